import { EvidentError } from "@evident/core";
import type { ObjectStore } from "../storage/index.ts";
import { pathOf, type Trail } from "../trail/index.ts";
import type { PublishedHead } from "../types.ts";

export interface PublisherOptions {
  readonly objects: ObjectStore;
  readonly trails: () => Iterable<Trail>;
  readonly intervalMs: number;
  readonly nowMs: () => number;
  /** A publish could not be written because the disk is full; it is tried again at the next interval. */
  readonly onLate: (detail: string) => void;
  /** A publish failed for good: the process must end. */
  readonly onFailure: (failure: Error) => void;
}

interface Waiter {
  readonly size: number;
  readonly settle: PromiseWithResolvers<PublishedHead>;
}

/**
 * Publishes each changed trail at most once an interval: new full tiles and the partial ones, then the checkpoint with both signatures.
 * Works only from durable entries, so a lost publish is made again from the WAL.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #waiters = new Map<Trail, Waiter[]>();
  #publishes = 0;
  #timer: NodeJS.Timeout | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#publishes;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#round(), this.#options.intervalMs);
  }

  /** No timed publish begins after this; one under way is finished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#queue;
    for (const waiters of this.#waiters.values()) {
      for (const { settle } of waiters) settle.reject(new EvidentError("overloaded", "the server is stopping"));
    }
    this.#waiters.clear();
  }

  /** Publishes the trail's durable size now, and also an unchanged one when `again` (after a rotation of keys). */
  publish(trail: Trail, options: { readonly again?: boolean } = {}): Promise<PublishedHead> {
    const result = this.#queue.then(() => this.#publish(trail, options.again === true));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  wait(trail: Trail, size: number, signal?: AbortSignal): Promise<PublishedHead> {
    if (trail.published.size >= size) return Promise.resolve(trail.published);
    const settle = Promise.withResolvers<PublishedHead>();
    const waiter = { size, settle };
    const waiters = this.#waiters.get(trail) ?? [];
    waiters.push(waiter);
    this.#waiters.set(trail, waiters);
    signal?.addEventListener("abort", () => {
      const at = waiters.indexOf(waiter);
      if (at >= 0) waiters.splice(at, 1);
      settle.reject(
        signal.reason instanceof Error ? signal.reason : new EvidentError("overloaded", "the wait was given up"),
      );
    });
    return settle.promise;
  }

  async #round(): Promise<void> {
    for (const trail of this.#options.trails()) {
      if (trail.durable.size === trail.published.size || this.#stopped) continue;
      try {
        await this.publish(trail);
      } catch (cause) {
        if (cause instanceof EvidentError && cause.code === "storage_full") this.#options.onLate(cause.message);
        else this.#options.onFailure(cause instanceof Error ? cause : new Error(String(cause)));
      }
    }
    this.start();
  }

  async #publish(trail: Trail, again: boolean): Promise<PublishedHead> {
    const { size, root } = trail.durable;
    const first = trail.published.note.length === 0;
    if (size === trail.published.size && !again && !first) return trail.published;
    const { objects } = this.#options;
    const { full, partial } = trail.tree.tilesAt(size);
    const named = [...full, ...partial].map(({ level, n, width, bytes }) => ({
      name: pathOf.tile(trail.name, level, n, width),
      bytes,
    }));
    await objects.createMany(named);
    const timestamp = Math.trunc(this.#options.nowMs() / 1_000);
    const note = trail.signer.sign({ origin: trail.origin, size, root, timestamp });
    await objects.replace(pathOf.checkpoint(trail.name), note);
    const head: PublishedHead = { trail: trail.name, size, root, note };
    trail.published = head;
    trail.tree.trim(size);
    const partials = partial.map(({ level, n, width }) => pathOf.tile(trail.name, level, n, width));
    const superseded = trail.partials.filter((name) => !partials.includes(name));
    trail.partials = partials;
    await objects.remove(superseded);
    this.#publishes += 1;
    this.#release(trail, head);
    return head;
  }

  #release(trail: Trail, head: PublishedHead): void {
    const waiters = this.#waiters.get(trail);
    if (waiters === undefined) return;
    const still = waiters.filter(({ size }) => size > head.size);
    for (const { size, settle } of waiters) if (size <= head.size) settle.resolve(head);
    waiters.splice(0, waiters.length, ...still);
  }
}
