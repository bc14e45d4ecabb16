import { EvidentError } from "@evident/core";
import { toStorageError } from "../storage/index.ts";
import { TableCursor } from "./memory-table.ts";
import { type FrozenRecords, NewestIdentities } from "./newest-identities.ts";
import { IDENTITY_BYTES, indexAt, isSameSent, RECORD_BYTES, trailAt, writePlace } from "./record.ts";
import { RunSet, type RunSetParts } from "./run-set.ts";
import type { FirstSeen, IdentityStore } from "./types.ts";

/** The identities of one store as a log-structured merge tree: tables in memory, sorted runs below them. */
export class LsmIdentityStore implements IdentityStore {
  readonly #newest = new NewestIdentities();
  readonly #runs: RunSet;
  readonly #recordBytes = new Uint8Array(RECORD_BYTES);
  /** The identity at hand, so that a look-up allocates nothing on a miss. */
  readonly #record = new Uint32Array(this.#recordBytes.buffer);
  #flushing: Promise<void> = Promise.resolve();

  /** @param memoryBytes bound on tables, fences and filters together */
  constructor(memoryBytes: number, parts: Omit<RunSetParts, "limitBytes">) {
    this.#runs = new RunSet({ ...parts, limitBytes: () => memoryBytes - this.#newest.memoryBytes });
  }

  get count(): number {
    return this.#newest.count + this.#runs.records;
  }

  get memoryBytes(): number {
    return this.#newest.memoryBytes + this.#runs.memoryBytes;
  }

  get coveredTo(): Readonly<Record<string, number>> {
    return this.#runs.coveredTo;
  }

  get unflushed(): number {
    return this.#newest.unflushed;
  }

  /** Number of run files. */
  get runCount(): number {
    return this.#runs.count;
  }

  find(identity: Uint8Array): FirstSeen | undefined {
    this.#take(identity);
    const key = this.#record;
    const found = this.#newest.find(key) ?? this.#runs.find(key);
    if (found === undefined) return undefined;
    const { words, at } = found;
    return { trail: trailAt(words, at), index: indexAt(words, at), same: isSameSent(words, at, key, 0) };
  }

  add(identity: Uint8Array, trail: number, index: number): void {
    this.#take(identity);
    writePlace(this.#record, 0, trail, index);
    this.#newest.add(this.#record);
  }

  flush(coveredTo: Readonly<Record<string, number>>, ready: Promise<void>): Promise<void> {
    const frozen = this.#newest.freeze();
    const flushed = this.#flushing.then(() => this.#flush(frozen, coveredTo, ready));
    this.#flushing = flushed.catch(() => undefined);
    return flushed;
  }

  async close(): Promise<void> {
    await this.#flushing;
    await this.#runs.close();
  }

  #take(identity: Uint8Array): void {
    this.#runs.check();
    if (identity.length !== IDENTITY_BYTES) {
      throw new EvidentError("internal", `an identity has ${IDENTITY_BYTES} bytes, not ${identity.length}`);
    }
    this.#recordBytes.set(identity);
  }

  async #flush(
    frozen: FrozenRecords,
    coveredTo: Readonly<Record<string, number>>,
    ready: Promise<void>,
  ): Promise<void> {
    // Earlier ones whose writing failed must go along: the manifest will say that they are covered.
    const taken = this.#newest.frozenUpTo(frozen);
    try {
      await ready;
      for (const each of taken) each.failed = false;
      const cursors = taken.flatMap(({ tables }) => tables).map((table) => new TableCursor(table));
      const count = taken.reduce((sum, each) => sum + each.count, 0);
      await this.#runs.append({ cursors, count }, coveredTo, () => this.#newest.forget(taken));
    } catch (cause) {
      for (const each of taken) each.failed = true;
      throw toStorageError(cause, "index/identity");
    }
  }
}
