/** Where the first entry of an identity lies. */
export interface FirstSeen {
  /** Trail number: position of the trail in creation order, 0 to 65,535. */
  readonly trail: number;
  readonly index: number;
  /** True when the stored 8 bytes of `sent` equal those asked for. */
  readonly same: boolean;
}

/**
 * Exact map from identity to first entry over all retained history, in bounded memory: a hash table for the newest,
 * sorted immutable runs on disk below it with filters and fences, merged in the background. Rebuildable from the trails.
 * Synchronous on purpose: it sits on the ingest path; a lookup that misses costs at most one filter probe a run.
 */
export interface IdentityStore {
  /** Looks up `identity` (16 bytes of key, 8 of sent). */
  find(identity: Uint8Array): FirstSeen | undefined;
  /** Adds one that `find` did not know. */
  add(identity: Uint8Array, trail: number, index: number): void;
  /** Number of identities. */
  readonly count: number;
  readonly memoryBytes: number;
  /**
   * Writes what is newest to a run; `coveredTo[trail]` is the size of each trail up to which every identity is in runs afterwards.
   * What is newest is frozen in the turn of the call; nothing is written before `ready` resolves (the frozen entries are durable then),
   * and nothing at all when it rejects. Adds go on meanwhile.
   */
  flush(coveredTo: Readonly<Record<string, number>>, ready: Promise<void>): Promise<void>;
  /** What the newest complete manifest covers; entries beyond it must be added again at start. */
  readonly coveredTo: Readonly<Record<string, number>>;
  /** Entries added since the last flush began. */
  readonly unflushed: number;
  close(): Promise<void>;
}
