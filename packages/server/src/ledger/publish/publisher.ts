import { EvidentError, rootFromTiles } from "@evident/core";
import { type LedgerFailure, passes } from "../ledger-failure.ts";
import type { ObjectStore } from "../storage/index.ts";
import { partialTiles, pathOf, type Trail, tileSource } from "../trail/index.ts";
import type { PublishedHead } from "../types.ts";
import { finishRotation } from "./finish-rotation.ts";

export interface PublisherOptions {
  readonly objects: ObjectStore;
  readonly trails: () => Iterable<Trail>;
  readonly intervalMs: number;
  readonly nowMs: () => number;
  /** A publish could not be written because the disk is full; it is tried again at the next interval. */
  readonly onLate: (detail: string) => void;
  readonly failure: LedgerFailure;
  /** A checkpoint is durable, and nobody has seen it yet. */
  readonly onPublished: (head: PublishedHead) => void;
}

interface Waiter {
  readonly size: number;
  readonly settle: PromiseWithResolvers<PublishedHead>;
  /** Ends the listening for an abort. */
  readonly release: () => void;
}

/**
 * Publishes each changed trail at most once an interval: new full tiles and the partial ones, then the checkpoint with both signatures.
 * Works only from durable entries, so a lost publish is made again from the WAL. A publish that a full disk has interrupted is finished
 * by the next one, and nothing of it is left over.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #waiters = new Map<Trail, Set<Waiter>>();
  #publishes = 0;
  #timer: NodeJS.Timeout | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    void options.failure.failed.then((cause) => this.#rejectWaiters(new EvidentError("storage_failed", cause.message)));
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
    this.#rejectWaiters(new EvidentError("not_ready", "the server is stopping"));
  }

  /**
   * Publishes what of the trail is durable and not published yet.
   *
   * @param before is done first, while nothing is published
   */
  publish(trail: Trail, before?: () => Promise<void>): Promise<PublishedHead> {
    const result = this.#queue.then(() =>
      this.#options.failure.guard(async () => {
        await before?.();
        return this.#publish(trail);
      }),
    );
    this.#queue = result.catch(() => undefined);
    return result;
  }

  wait(trail: Trail, size: number, signal?: AbortSignal): Promise<PublishedHead> {
    if (trail.published.size >= size) return Promise.resolve(trail.published);
    if (this.#stopped) return Promise.reject(new EvidentError("not_ready", "the server is stopping"));
    const { cause } = this.#options.failure;
    if (cause !== undefined) return Promise.reject(new EvidentError("storage_failed", cause.message, { cause }));
    const settle = Promise.withResolvers<PublishedHead>();
    const waiters = this.#waiters.get(trail) ?? new Set();
    this.#waiters.set(trail, waiters);
    const giveUp = (): void => {
      waiters.delete(waiter);
      const reason: unknown = signal?.reason;
      settle.reject(reason instanceof Error ? reason : new EvidentError("overloaded", "the wait was given up"));
    };
    const waiter: Waiter = { size, settle, release: () => signal?.removeEventListener("abort", giveUp) };
    if (signal?.aborted === true) giveUp();
    else {
      waiters.add(waiter);
      signal?.addEventListener("abort", giveUp, { once: true });
    }
    return settle.promise;
  }

  async #round(): Promise<void> {
    const { trails, failure, onLate } = this.#options;
    for (const trail of trails()) {
      if (this.#stopped || failure.cause !== undefined) return;
      if (!isDue(trail)) continue;
      try {
        await this.publish(trail);
      } catch (cause) {
        if (!passes(cause)) failure.fail(cause);
        else if (cause instanceof Error) onLate(cause.message);
      }
    }
    this.start();
  }

  async #publish(trail: Trail): Promise<PublishedHead> {
    const { objects, nowMs } = this.#options;
    const { rotating } = trail;
    if (rotating !== undefined) {
      // The note is a head like any other: the tiles of its size are there before it, and so is the checkpoint.
      if (trail.published.size < rotating.size) await this.#sign(trail, await headAt(objects, trail, rotating.size));
      await finishRotation(objects, trail, rotating, nowMs());
    }
    if (isNew(trail)) await this.#sign(trail, trail.durable);
    await removeStalePartials(objects, trail);
    return trail.published;
  }

  async #sign(trail: Trail, { size, root }: Trail["durable"]): Promise<void> {
    const { objects, nowMs } = this.#options;
    const { full, partial } = trail.tree.tilesAt(size);
    const named = [...full, ...partial].map(({ level, n, width, bytes }) => ({
      name: pathOf.tile(trail.name, level, n, width),
      bytes,
    }));
    // Noted before they are made: a publish that fails half-way leaves some of them, which nothing else would explain.
    trail.partials = [...new Set([...trail.partials, ...partialTiles(trail.name, size)])];
    await objects.createMany(named);
    const note = trail.signer.sign({ origin: trail.origin, size, root, timestamp: Math.trunc(nowMs() / 1_000) });
    await objects.replace(pathOf.checkpoint(trail.name), note);
    trail.published = { trail: trail.name, size, root, note };
    trail.publishedGeneration = trail.generation;
    this.#options.onPublished(trail.published);
    trail.tree.trim(size);
    this.#publishes += 1;
    this.#release(trail);
  }

  #release(trail: Trail): void {
    const waiters = this.#waiters.get(trail);
    for (const waiter of waiters ?? []) {
      if (waiter.size > trail.published.size) continue;
      waiters?.delete(waiter);
      waiter.release();
      waiter.settle.resolve(trail.published);
    }
  }

  #rejectWaiters(reason: EvidentError): void {
    for (const waiters of this.#waiters.values()) {
      for (const { settle, release } of waiters) {
        release();
        settle.reject(reason);
      }
      waiters.clear();
    }
  }
}

/** The tree at a size that is durable but perhaps not the newest. */
async function headAt(objects: ObjectStore, trail: Trail, size: number): Promise<Trail["durable"]> {
  if (size === trail.durable.size) return trail.durable;
  return { size, root: await rootFromTiles(size, tileSource(objects, trail, trail.durable.size)) };
}

/** Whether the newest checkpoint is behind the durable entries or not signed by the newest keys. */
function isNew(trail: Trail): boolean {
  return trail.durable.size > trail.published.size || trail.publishedGeneration !== trail.generation;
}

function isDue(trail: Trail): boolean {
  return trail.rotating !== undefined || isNew(trail) || stalePartials(trail).length > 0;
}

function stalePartials(trail: Trail): readonly string[] {
  const current = partialTiles(trail.name, trail.published.size);
  return trail.partials.filter((name) => !current.includes(name));
}

async function removeStalePartials(objects: ObjectStore, trail: Trail): Promise<void> {
  const stale = stalePartials(trail);
  if (stale.length === 0) return;
  await objects.remove(stale);
  trail.partials = partialTiles(trail.name, trail.published.size);
}
