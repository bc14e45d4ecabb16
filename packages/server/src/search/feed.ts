import type { CommittedBatch, LedgerReader } from "../ledger/index.ts";

/** Where entries go; returns the bytes that `done` will name. */
export type IndexEntries = (trail: string, first: number, entries: readonly Uint8Array[]) => number;

/** Bytes handed over and not indexed yet, beyond which commits are dropped and read from the ledger later. */
const mostWaitingBytes = 32 * 1_024 * 1_024;
/** When reading from the ledger, more is read once less than this waits. */
const enoughWaitingBytes = 8 * 1_024 * 1_024;

const retryMs = 2_000;

/** What the feed tells. */
export interface FeedEvents {
  /** The queue was full, and commits were dropped. */
  behind(): void;
  /** The ledger could not be read; it is tried again. */
  stuck(error: unknown): void;
}

/**
 * Brings every entry of the ledger to the index, in order per trail. For each trail it knows the next index to hand
 * over: a commit that begins there is handed over at once, any other is left to catching up, which reads the ledger
 * until nothing is missing. So there is no queue but what is handed over already, and that is bounded.
 */
export class Feed {
  private readonly ledger: LedgerReader;
  private readonly events: FeedEvents;
  private readonly unsubscribe: () => void;
  private readonly next = new Map<string, number>();
  private index: IndexEntries | undefined;
  private waitingBytes = 0;
  /** The loop that catches up, while there is one. */
  private catching: object | undefined;
  private wake: (() => void) | undefined;
  private retry: NodeJS.Timeout | undefined;
  /** Times commits were dropped because the index was behind. */
  drops = 0;

  constructor(ledger: LedgerReader, events: FeedEvents) {
    this.ledger = ledger;
    this.events = events;
    this.unsubscribe = ledger.onCommit((batch) => this.onCommit(batch));
  }

  /** Begins to hand entries over, from the given sizes on. */
  start(sizes: Readonly<Record<string, number>>, index: IndexEntries): void {
    this.stop();
    this.index = index;
    for (const [trail, size] of Object.entries(sizes)) this.next.set(trail, size);
    this.catchUp();
  }

  /** Until the next start, nothing is handed over. */
  stop(): void {
    this.index = undefined;
    this.next.clear();
    this.waitingBytes = 0;
    clearTimeout(this.retry);
    this.wake?.();
  }

  close(): void {
    this.stop();
    this.unsubscribe();
  }

  /** Bytes that were handed over are indexed. */
  done(bytes: number): void {
    this.waitingBytes -= bytes;
    if (this.waitingBytes < enoughWaitingBytes) this.wake?.();
  }

  private nextOf(trail: string): number {
    return this.next.get(trail) ?? 0;
  }

  private onCommit({ trail, first, entries }: CommittedBatch): void {
    if (this.index === undefined) return;
    const next = this.nextOf(trail);
    if (first + entries.length <= next) return;
    if (first > next) {
      this.catchUp();
      return;
    }
    if (this.waitingBytes >= mostWaitingBytes) {
      this.drops++;
      this.events.behind();
      this.catchUp();
      return;
    }
    this.handOver(this.index, trail, next, first === next ? entries : entries.slice(next - first));
  }

  private handOver(index: IndexEntries, trail: string, first: number, entries: readonly Uint8Array[]): void {
    this.waitingBytes += index(trail, first, entries);
    this.next.set(trail, first + entries.length);
  }

  private catchUp(): void {
    if (this.catching !== undefined) return;
    const loop = {};
    this.catching = loop;
    this.readMissing(loop).catch((error: unknown) => {
      this.leave(loop);
      this.events.stuck(error);
      this.retry = setTimeout(() => this.catchUp(), retryMs);
    });
  }

  private leave(loop: object): void {
    if (this.catching === loop) this.catching = undefined;
  }

  private async readMissing(loop: object): Promise<void> {
    for (;;) {
      const { index } = this;
      const trail = this.ledger.trails().find(({ name, size }) => size > this.nextOf(name));
      if (index === undefined || trail === undefined) {
        // In the turn of the last look: a commit after it finds that nobody catches up.
        this.leave(loop);
        return;
      }
      const before = this.nextOf(trail.name);
      await this.readTrail(trail.name, trail.size, index);
      if (this.index === index && this.nextOf(trail.name) === before) {
        throw new Error(`the ledger gives no entry of ${trail.name} at ${before}, below its size ${trail.size}`);
      }
    }
  }

  private async readTrail(trail: string, size: number, index: IndexEntries): Promise<void> {
    for await (const { first, entries } of this.ledger.entries(trail, this.nextOf(trail), size)) {
      if (this.waitingBytes >= enoughWaitingBytes) {
        const woken = Promise.withResolvers<void>();
        this.wake = woken.resolve;
        await woken.promise;
        this.wake = undefined;
      }
      // Another start may have come meanwhile, with other sizes.
      if (this.index !== index) return;
      this.handOver(index, trail, first, entries);
    }
  }
}
