import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import { Feed } from "./feed.ts";
import type { IndexNumbers } from "./index-store.ts";
import { IndexThread } from "./index-thread.ts";
import type { LinePack } from "./line-pack.ts";
import { digestOf } from "./manifest.ts";
import type { CallName, Calls, Failure, FromWorker, WorkerSettings } from "./messages.ts";
import type { SearchCounters, SearchOptions } from "./types.ts";

type Opened = FromWorker & { readonly kind: "opened" };

const defaultSegmentRows = 1_048_576;
const defaultMemoryBytes = 512 * 1_024 * 1_024;
const closeWaitMs = 30_000;
const mostPauseMs = 30_000;
/** Failures in a row after which the index itself is blamed. */
const failuresUntilRebuild = 3;

interface SizeWaiter {
  readonly sizes: Readonly<Record<string, number>>;
  resolve(): void;
  reject(error: unknown): void;
}

function unavailable(what: string): EvidentError {
  return new EvidentError("not_ready", `the index is ${what}`, { fix: "Ask again in some seconds." });
}

/** Keeps one thread with the index running, feeds it from the ledger, and knows how far it is. */
export class SearchHost {
  private readonly options: SearchOptions;
  private readonly settings: WorkerSettings;
  private readonly feed: Feed;
  private readonly waiters = new Set<SizeWaiter>();
  private readonly sizes = new Map<string, number>();
  private thread: IndexThread | undefined;
  private numbers: IndexNumbers = { rows: 0, hotRows: 0, segments: 0, seals: 0 };
  private sealsBefore = 0;
  private restarts = 0;
  private failures = 0;
  private closed = false;
  private readonly closing = new AbortController();
  private restarting: Promise<void> | undefined;

  constructor(options: SearchOptions) {
    this.options = options;
    this.settings = {
      dir: join(options.dir, "search"),
      segmentRows: options.segmentRows ?? defaultSegmentRows,
      memoryBytes: options.memoryBytes ?? defaultMemoryBytes,
    };
    this.feed = new Feed(options.ledger, {
      behind: () => options.onBehind?.(this.behind()),
      stuck: (error) => options.onAlarm?.({ kind: "stuck", detail: `the ledger cannot be read: ${String(error)}` }),
    });
  }

  /** Opens the index; one that is damaged, or does not belong to this ledger, is begun anew. */
  async start(): Promise<void> {
    const failure = await this.open();
    if (failure?.kind === "damage") await this.rebuild(failure.message);
    else if (failure !== undefined) throw new EvidentError("internal", `the index does not start: ${failure.message}`);
  }

  private async rebuild(why: string): Promise<void> {
    this.options.onAlarm?.({ kind: "rebuilding", detail: why });
    await rm(this.settings.dir, { recursive: true, force: true });
    const failure = await this.open();
    if (failure !== undefined) throw new EvidentError("internal", `the index does not start: ${failure.message}`);
  }

  /** Starts a thread and the feed; resolves with why it ended when it did not get that far. */
  private async open(): Promise<Failure | undefined> {
    const opening = Promise.withResolvers<Opened | Failure | undefined>();
    const thread: IndexThread = new IndexThread(this.settings, {
      opened: (message) => opening.resolve(message),
      indexed: (message) => this.indexed(thread, message),
      sealed: (numbers) => {
        if (thread === this.thread) this.numbers = numbers;
      },
      ended: (failure) => {
        opening.resolve(failure);
        this.ended(thread, failure);
      },
    });
    const opened = await opening.promise;
    if (opened === undefined) return { kind: "failed", message: "its thread ended" };
    if (opened.kind !== "opened") return opened;
    const stranger = await this.strangeTrail(opened);
    if (stranger !== undefined) {
      await thread.end(undefined);
      return { kind: "damage", message: stranger };
    }
    if (thread.hasEnded) return { kind: "failed", message: "its thread ended" };
    this.thread = thread;
    this.sizes.clear();
    for (const [trail, size] of Object.entries(opened.indexed)) this.sizes.set(trail, size);
    this.numbers = opened.numbers;
    this.feed.start(opened.indexed, (trail, first, entries) => thread.index(trail, first, entries));
    this.wakeWaiters();
    return undefined;
  }

  /** Why the index belongs to another ledger, or to a newer state of it than there is. */
  private async strangeTrail({ indexed, lastDigests }: Opened): Promise<string | undefined> {
    const { ledger } = this.options;
    for (const [trail, size] of Object.entries(indexed)) {
      const held = ledger.trail(trail)?.size ?? 0;
      if (size > held) return `the index has ${size} entries of ${trail}, the ledger ${held}`;
    }
    for (const [trail, { index, digest }] of lastDigests) {
      const line = await ledger.entry(trail, index);
      if (line === undefined || digestOf(line) !== digest) return `entry ${index} of ${trail} is another in the ledger`;
    }
    return undefined;
  }

  private indexed(thread: IndexThread, { sizes, bytes, numbers }: FromWorker & { kind: "indexed" }): void {
    if (thread !== this.thread) return;
    this.failures = 0;
    for (const [trail, size] of Object.entries(sizes)) this.sizes.set(trail, size);
    this.numbers = numbers;
    this.feed.done(bytes);
    this.wakeWaiters();
  }

  private ended(thread: IndexThread, failure: Failure | undefined): void {
    if (thread !== this.thread || this.closed) return;
    this.thread = undefined;
    this.sizes.clear();
    this.sealsBefore += this.numbers.seals;
    this.numbers = { ...this.numbers, seals: 0 };
    this.feed.stop();
    this.restarts++;
    this.options.onAlarm?.({ kind: "restarted", detail: failure?.message ?? "the index thread ended" });
    this.restarting = this.restart(failure);
  }

  private async restart(first: Failure | undefined): Promise<void> {
    for (let failure = first; !this.closed; ) {
      this.failures++;
      if (this.failures > 1) await this.sleep(Math.min(mostPauseMs, 100 * 2 ** this.failures));
      if (this.closed) return;
      const isBlamed = failure?.kind === "damage" || this.failures === failuresUntilRebuild;
      try {
        if (isBlamed) {
          await this.rebuild(failure?.message ?? "it keeps failing");
          return;
        }
        failure = await this.open();
        if (failure === undefined) return;
      } catch (error) {
        failure = { kind: "failed", message: String(error) };
      }
    }
  }

  private async sleep(ms: number): Promise<void> {
    // Closing ends it: the caller looks.
    await sleep(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }

  private wakeWaiters(): void {
    for (const waiter of this.waiters) if (this.reaches(waiter.sizes)) waiter.resolve();
  }

  private reaches(sizes: Readonly<Record<string, number>>): boolean {
    return Object.entries(sizes).every(([trail, size]) => (this.sizes.get(trail) ?? 0) >= size);
  }

  indexedSizes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.sizes);
  }

  async waitIndexed(sizes: Readonly<Record<string, number>>, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.closed) throw unavailable("closed");
    if (this.reaches(sizes)) return;
    const settle = Promise.withResolvers<void>();
    const waiter: SizeWaiter = { sizes, ...settle };
    const abort = (): void => settle.reject(signal?.reason);
    this.waiters.add(waiter);
    signal?.addEventListener("abort", abort);
    try {
      await settle.promise;
    } finally {
      this.waiters.delete(waiter);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Waits until what the ledger holds now is indexed, or the signal aborts. */
  async catchUp(signal: AbortSignal): Promise<void> {
    const sizes = Object.fromEntries(this.options.ledger.trails().map(({ name, size }) => [name, size]));
    await this.waitIndexed(sizes, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  private behind(): number {
    const { ledger } = this.options;
    return ledger.trails().reduce((sum, { name, size }) => sum + Math.max(0, size - (this.sizes.get(name) ?? 0)), 0);
  }

  counters(): Omit<SearchCounters, "queries"> {
    const { rows, hotRows, segments, seals } = this.numbers;
    return {
      rows,
      hotRows,
      segments,
      seals: this.sealsBefore + seals,
      behind: this.behind(),
      catchUps: this.feed.drops,
      restarts: this.restarts,
    };
  }

  /** @throws EvidentError `not_ready` while the index is started again, `internal`, or what the call refuses with */
  async call<Name extends CallName>(
    name: Name,
    ask: Calls[Name]["ask"],
    options: { readonly signal?: AbortSignal | undefined; readonly transfer?: LinePack[] } = {},
  ): Promise<Calls[Name]["answer"]> {
    if (this.thread !== undefined) return this.thread.call(name, ask, options);
    throw unavailable(this.closed ? "closed" : "being started again");
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.closing.abort();
    for (const waiter of this.waiters) waiter.reject(unavailable("closed"));
    this.feed.close();
    await this.restarting;
    const { thread } = this;
    this.thread = undefined;
    await thread?.close(closeWaitMs);
  }
}
