import { EvidentError, encodeWalRecord, toBase64, type WalHeader } from "@evident/core";
import type { ReceivedClock } from "../clock.ts";
import type { IdentityStore } from "../identity/index.ts";
import type { Signer } from "../keys/index.ts";
import type { Wal } from "../storage/index.ts";
import type { Trail } from "../trail/index.ts";
import type { Appended, CommittedBatch, Draft, Pressure } from "../types.ts";
import { PendingEntries } from "./pending-entries.ts";

const RUN_ENTRIES = 256;
const EAGER_BYTES = 1 << 20;
const FULL_RETRY_MS = 1_000;
const RECORD_OVERHEAD_BYTES = 64 * 1024;

export interface CommitterOptions {
  readonly wal: Wal;
  readonly epoch: number;
  /** seq and prev of the next record. */
  readonly seq: number;
  readonly prev: Uint8Array;
  readonly signer: Signer;
  readonly clock: ReceivedClock;
  readonly identity: IdentityStore;
  readonly trailByNumber: (number: number) => Trail | undefined;
  readonly maxPendingBytes: number;
  /** Called in the turn in which a batch became durable, after the trail's durable head moved. */
  readonly onDurable: (trail: Trail, batch: () => CommittedBatch) => void;
  readonly onFull: (detail: string) => void;
  readonly onCommitted: (waitMs: number, entries: number) => void;
}

interface Generation {
  readonly pending: Map<Trail, PendingEntries>;
  readonly done: PromiseWithResolvers<void>;
  readonly beganMs: number;
}

/**
 * Group commit: drafts are sequenced (index, received, leaf hash) in the turn they arrive; what has gathered while the previous
 * record was being synced goes into the next one. One write and one fdatasync a record: that is the commit point.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly failed = Promise.withResolvers<Error>();
  readonly counters = { commits: 0, entries: 0, bytes: 0 };
  #seq: number;
  #prev: Uint8Array;
  #generation: Generation = makeGeneration();
  #inFlight: Generation | undefined;
  /** "waiting": the next record begins after this turn's I/O callbacks, so that appends that arrived together share it. */
  #state: "idle" | "waiting" | "writing" = "idle";
  #failure: Error | undefined;
  #full: string | undefined;
  #closed = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#seq = options.seq;
    this.#prev = options.prev;
  }

  /** Takes drafts in order and resolves when they, and the first entries that duplicates name, are durable. */
  async append(trail: Trail, drafts: readonly Draft[]): Promise<readonly Appended[]> {
    this.#refuseWhenUnable();
    const results: Appended[] = [];
    let waitForThis = false;
    for (const draft of drafts) {
      const known = draft.identity === undefined ? undefined : this.#options.identity.find(draft.identity);
      if (known !== undefined) {
        const first = this.#options.trailByNumber(known.trail);
        if (first === undefined)
          throw new EvidentError("internal", `the identity store names trail number ${known.trail}`);
        waitForThis ||= known.index >= first.durable.size;
        results.push({ status: known.same ? "duplicate" : "conflict", trail: first.name, index: known.index });
        continue;
      }
      results.push({ status: "stored", trail: trail.name, index: this.#sequence(trail, draft) });
      waitForThis = true;
    }
    if (waitForThis) await this.#whenDurable();
    return results;
  }

  /** Resolves when all that was sequenced before the call is durable. */
  async flush(): Promise<void> {
    if (this.#generation.pending.size > 0 || this.#inFlight !== undefined) await this.#whenDurable();
  }

  pressure(): Pressure {
    const pendingBytes = this.pendingBytes;
    if (this.#failure !== undefined) return { kind: "full", detail: this.#failure.message };
    if (this.#full !== undefined) return { kind: "full", detail: this.#full };
    if (pendingBytes > this.#options.maxPendingBytes) return { kind: "busy", pendingBytes, retryAfterSeconds: 1 };
    return { kind: "ready", pendingBytes };
  }

  get pendingBytes(): number {
    return sizeOf(this.#generation) + (this.#inFlight === undefined ? 0 : sizeOf(this.#inFlight));
  }

  /**
   * Identities sequenced so far may go to disk once this resolves: freezing in the turn of the call, durable when it resolves.
   */
  sequencedSizes(trails: Iterable<Trail>): Record<string, number> {
    return Object.fromEntries([...trails].map((trail) => [trail.name, trail.tree.size]));
  }

  /** Writes the close record (no entries, the published heads) and closes the WAL. Everything must be durable and published. */
  async close(heads: NonNullable<WalHeader["heads"]>): Promise<void> {
    this.#closed = true;
    await this.flush();
    if (this.#failure !== undefined) return;
    const header: WalHeader = { ...this.#header([]), close: true, heads };
    await this.#options.wal.close(encodeWalRecord(header, [], (message) => this.#options.signer.sign(message)).bytes);
  }

  #refuseWhenUnable(): void {
    if (this.#failure !== undefined)
      throw new EvidentError("storage_failed", this.#failure.message, { cause: this.#failure });
    if (this.#closed) throw new EvidentError("storage_failed", "the ledger is closed");
    if (this.#full !== undefined) throw new EvidentError("storage_full", this.#full);
    if (this.pendingBytes > this.#options.maxPendingBytes * 4) {
      throw new EvidentError("overloaded", `${this.pendingBytes} bytes wait for the disk`);
    }
  }

  #sequence(trail: Trail, draft: Draft): number {
    let pending = this.#generation.pending.get(trail);
    if (pending === undefined) {
      pending = new PendingEntries(trail.tree.size);
      this.#generation.pending.set(trail, pending);
    }
    const index = trail.tree.size;
    trail.tree.append(pending.add(draft, this.#options.clock.now()));
    if (draft.identity !== undefined) this.#options.identity.add(draft.identity, trail.number, index);
    return index;
  }

  #whenDurable(): Promise<void> {
    const done = (this.#generation.pending.size > 0 ? this.#generation : (this.#inFlight ?? this.#generation)).done
      .promise;
    if (this.#state === "idle") {
      this.#state = "waiting";
      setImmediate(() => void this.#run());
    }
    // Enough for a record: the disk works on it while the rest of this turn is sequenced.
    if (this.#state === "waiting" && sizeOf(this.#generation) >= EAGER_BYTES) void this.#run();
    return done;
  }

  async #run(): Promise<void> {
    if (this.#state !== "waiting") return;
    this.#state = "writing";
    while (this.#generation.pending.size > 0 && this.#failure === undefined) {
      const generation = this.#generation;
      this.#inFlight = generation;
      this.#generation = makeGeneration();
      try {
        await this.#commit(generation);
        this.#inFlight = undefined;
        generation.done.resolve();
      } catch (cause) {
        this.#fail(cause, generation);
      }
    }
    this.#state = "idle";
  }

  async #commit(generation: Generation): Promise<void> {
    const { wal, signer } = this.#options;
    const parts = [...generation.pending].map(([trail, pending]) => ({ trail, pending, root: trail.tree.root() }));
    const header = this.#header(
      parts.map(({ trail, pending, root }) => ({
        trail: trail.name,
        first: pending.first,
        count: pending.count,
        root: toBase64(root),
      })),
    );
    const record = encodeWalRecord(
      header,
      parts.map(({ pending }) => pending.body),
      (message) => signer.sign(message),
    );
    await this.#reserve(record.bytes.length);
    const placed = await wal.append(record.bytes);
    this.#seq += 1;
    this.#prev = record.digest;
    let offset = placed.offset + record.bodyOffset;
    const atMs = Date.now();
    let entries = 0;
    for (const { trail, pending, root } of parts) {
      trail.durable = { size: pending.first + pending.count, root };
      indexRuns(trail, pending, placed.file, offset, atMs);
      offset += pending.sizeBytes;
      entries += pending.count;
    }
    this.counters.commits += 1;
    this.counters.entries += entries;
    this.counters.bytes += record.bytes.length;
    this.#options.onCommitted(performance.now() - generation.beganMs, entries);
    for (const { trail, pending } of parts) {
      this.#options.onDurable(trail, () => ({ trail: trail.name, first: pending.first, entries: pending.entries() }));
    }
  }

  #header(trails: WalHeader["trails"]): WalHeader {
    return {
      v: 1,
      epoch: this.#options.epoch,
      seq: this.#seq,
      prev: toBase64(this.#prev),
      at: this.#options.clock.now(),
      trails,
    };
  }

  /** Waits until the record fits into preallocated space: a full disk delays what was sequenced, it never tears a record. */
  async #reserve(sizeBytes: number): Promise<void> {
    const neededBytes = sizeBytes + RECORD_OVERHEAD_BYTES;
    for (;;) {
      try {
        if (this.#options.wal.reservedBytes < neededBytes) await this.#options.wal.reserve(neededBytes);
        this.#full = undefined;
        return;
      } catch (cause) {
        if (!(cause instanceof EvidentError) || cause.code !== "storage_full") throw cause;
        if (this.#full === undefined) this.#options.onFull(cause.message);
        this.#full = cause.message;
        if (this.#closed) throw cause;
        await new Promise((resolve) => setTimeout(resolve, FULL_RETRY_MS));
      }
    }
  }

  /** A failed write or fsync is final: what the disk holds is unknown until a restart has read it. */
  #fail(cause: unknown, generation: Generation): void {
    const failure = cause instanceof Error ? cause : new Error(String(cause));
    this.#failure = failure;
    for (const each of [generation, this.#generation]) {
      each.done.promise.catch(() => undefined);
      each.done.reject(
        new EvidentError("storage_failed", `the log could not be written: ${failure.message}`, { cause: failure }),
      );
    }
    this.failed.resolve(failure);
  }
}

function sizeOf({ pending }: Generation): number {
  let sum = 0;
  for (const { sizeBytes } of pending.values()) sum += sizeBytes;
  return sum;
}

function makeGeneration(): Generation {
  return { pending: new Map(), done: Promise.withResolvers<void>(), beganMs: performance.now() };
}

/** Notes where the entries of a record lie, in runs of at most 256 so that one entry is found without reading a large record. */
function indexRuns(trail: Trail, pending: PendingEntries, file: string, offset: number, atMs: number): void {
  for (let from = 0; from < pending.count; from += RUN_ENTRIES) {
    const to = Math.min(from + RUN_ENTRIES, pending.count);
    const start = pending.offsets[from] ?? 0;
    const sizeBytes = (pending.offsets[to] ?? 0) - start;
    trail.wal.push({ first: pending.first + from, count: to - from, file, offset: offset + start, sizeBytes, atMs });
  }
}
