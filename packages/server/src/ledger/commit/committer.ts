import { EvidentError, encodeWalRecord, type Hash, toBase64, type WalHeader } from "@evident/core";
import type { ReceivedClock } from "../clock.ts";
import type { IdentityStore } from "../identity/index.ts";
import type { Signer } from "../keys/index.ts";
import type { LedgerFailure } from "../ledger-failure.ts";
import type { Wal } from "../storage/index.ts";
import type { Trail } from "../trail/index.ts";
import type { Appended, CommittedBatch, Draft, Pressure } from "../types.ts";
import { checkDraft, PendingEntries } from "./pending-entries.ts";

const RUN_ENTRIES = 256;
const EAGER_BYTES = 1 << 20;
/** What waits behind a slow disk is cut into records of this size, far below the 64 MiB that a record's body can have. */
const RECORD_BYTES = 16 << 20;
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
  readonly failure: LedgerFailure;
}

/** What will become one record. */
interface Generation {
  readonly pending: Map<Trail, PendingEntries>;
  readonly done: PromiseWithResolvers<void>;
  readonly beganMs: number;
  sizeBytes: number;
}

/** Entries of one trail in a record, and the trail's root with them. */
interface Part {
  readonly trail: Trail;
  readonly pending: PendingEntries;
  readonly root: Hash;
}

/** A generation that takes no more entries. Its roots are taken then: the trees grow on with the next one. */
interface Batch extends Generation {
  readonly parts: readonly Part[];
}

/**
 * Group commit: drafts are sequenced (index, received, leaf hash) in the turn they arrive; what has gathered while the previous
 * record was being synced goes into the next one. One write and one fdatasync a record: that is the commit point.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly counters = { commits: 0, entries: 0, bytes: 0 };
  #seq: number;
  #prev: Uint8Array;
  #generation: Generation = makeGeneration();
  /** Full batches that wait for the disk, oldest first; the first is being written while `#state` says so. */
  readonly #batches: Batch[] = [];
  #pendingBytes = 0;
  /** "waiting": the next record begins after this turn's I/O callbacks, so that appends that arrived together share it. */
  #state: "idle" | "waiting" | "writing" = "idle";
  #full: string | undefined;
  /** A full disk is no longer waited for. */
  #ending = false;
  #closed = false;
  /** A record failed: none is written any more. */
  #broken = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#seq = options.seq;
    this.#prev = options.prev;
  }

  /**
   * Takes drafts in order and resolves when they, and the first entries that duplicates name, are durable.
   * @throws EvidentError `storage_full`, `overloaded`, `internal`: none of them was taken; anything else is final
   */
  async append(trail: Trail, drafts: readonly Draft[]): Promise<readonly Appended[]> {
    this.#refuseWhenUnable();
    for (const draft of drafts) checkDraft(draft);
    const results: Appended[] = [];
    let waitForThis = false;
    for (const draft of drafts) {
      const known = draft.identity === undefined ? undefined : this.#options.identity.find(draft.identity);
      if (known !== undefined) {
        const first = this.#options.trailByNumber(known.trail);
        if (first === undefined || known.index >= first.tree.size) {
          throw new EvidentError(
            "corrupt_store",
            `the identities name entry ${known.index} of trail number ${known.trail}`,
            {
              fix: "Stop the server, remove index/identity in the data directory and start again: it is rebuilt.",
            },
          );
        }
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
    if (this.#pendingBytes > 0) await this.#whenDurable();
  }

  pressure(): Pressure {
    const pendingBytes = this.#pendingBytes;
    const { cause } = this.#options.failure;
    if (cause !== undefined) return { kind: "full", detail: cause.message };
    if (this.#full !== undefined) return { kind: "full", detail: this.#full };
    if (pendingBytes > this.#options.maxPendingBytes) return { kind: "busy", pendingBytes, retryAfterSeconds: 1 };
    return { kind: "ready", pendingBytes };
  }

  /** Sizes of the trails with all that was sequenced so far. */
  sequencedSizes(trails: Iterable<Trail>): Record<string, number> {
    return Object.fromEntries([...trails].map((trail) => [trail.name, trail.tree.size]));
  }

  /** From now on a full disk ends the ledger: a server that is told to stop does not wait for space. */
  giveUpOnFullDisk(): void {
    this.#ending = true;
  }

  /** Refuses further entries and cuts the log to its end, so that only the closing record is left to be written. */
  async end(): Promise<void> {
    this.#closed = true;
    await this.flush();
    await this.#options.failure.guard(() => this.#options.wal.end());
  }

  /** Resolves when no record is being written. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Writes the close record (no entries, the published heads) and closes the WAL. Everything must be durable and published. */
  async close(heads: NonNullable<WalHeader["heads"]>): Promise<void> {
    const header: WalHeader = { ...this.#header([]), close: true, heads };
    const record = encodeWalRecord(header, [], (message) => this.#options.signer.sign(message));
    await this.#options.failure.guard(() => this.#options.wal.close(record.bytes));
  }

  #refuseWhenUnable(): void {
    this.#options.failure.check();
    if (this.#closed) throw new EvidentError("storage_failed", "the ledger is closed");
    if (this.#full !== undefined) throw new EvidentError("storage_full", this.#full);
    if (this.#pendingBytes > this.#options.maxPendingBytes * 4) {
      throw new EvidentError("overloaded", `${this.#pendingBytes} bytes wait for the disk`);
    }
  }

  #sequence(trail: Trail, draft: Draft): number {
    const index = trail.tree.size;
    const generation = this.#generation;
    const pending = generation.pending.get(trail) ?? new PendingEntries(index);
    const before = pending.sizeBytes;
    trail.tree.append(pending.add(draft, this.#options.clock.now()));
    // Only now: whatever fails above must not leave a part without entries behind.
    if (before === 0) generation.pending.set(trail, pending);
    if (draft.identity !== undefined) this.#options.identity.add(draft.identity, trail.number, index);
    const sizeBytes = pending.sizeBytes - before;
    generation.sizeBytes += sizeBytes;
    this.#pendingBytes += sizeBytes;
    if (generation.sizeBytes >= RECORD_BYTES) this.#endGeneration();
    return index;
  }

  #whenDurable(): Promise<void> {
    const last = this.#generation.sizeBytes > 0 ? this.#generation : (this.#batches.at(-1) ?? this.#generation);
    if (this.#state === "idle" && !this.#broken) {
      this.#state = "waiting";
      setImmediate(() => this.#start());
    }
    // Enough for a record: the disk works on it while the rest of this turn is sequenced.
    if (this.#state === "waiting" && this.#pendingBytes >= EAGER_BYTES) this.#start();
    return last.done.promise;
  }

  #endGeneration(): void {
    const generation = this.#generation;
    this.#generation = makeGeneration();
    const parts = [...generation.pending].map(([trail, pending]) => ({ trail, pending, root: trail.tree.root() }));
    this.#batches.push({ ...generation, parts });
  }

  #start(): void {
    if (this.#state !== "waiting") return;
    this.#state = "writing";
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        if (this.#batches.length === 0 && this.#generation.sizeBytes > 0) this.#endGeneration();
        const [batch] = this.#batches;
        if (batch === undefined) break;
        await this.#commit(batch);
        this.#batches.shift();
        this.#pendingBytes -= batch.sizeBytes;
        batch.done.resolve();
      }
    } catch (cause) {
      this.#fail(cause);
    }
    this.#state = "idle";
  }

  async #commit({ parts, beganMs }: Batch): Promise<void> {
    const { wal, signer } = this.#options;
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
    this.#options.onCommitted(performance.now() - beganMs, entries);
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
        if (this.#ending) throw cause;
        await new Promise((resolve) => setTimeout(resolve, FULL_RETRY_MS));
      }
    }
  }

  /** A failed write or fsync is final: what the disk holds is unknown until a restart has read it. */
  #fail(cause: unknown): void {
    this.#broken = true;
    this.#options.failure.fail(cause);
    const why = cause instanceof Error ? cause.message : String(cause);
    for (const { done } of [...this.#batches, this.#generation]) {
      done.promise.catch(() => undefined);
      done.reject(new EvidentError("storage_failed", `the log could not be written: ${why}`, { cause }));
    }
  }
}

function makeGeneration(): Generation {
  return { pending: new Map(), done: Promise.withResolvers<void>(), beganMs: performance.now(), sizeBytes: 0 };
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
