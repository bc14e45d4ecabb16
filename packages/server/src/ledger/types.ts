/** The kinds of entry a trail stores (DESIGN §4). */
export type EntryKind = "event" | "summary" | "statement" | "quarantine";

/**
 * An entry before the ledger gives it an index and a `received` time.
 * The stored line is `{"v":1,"kind":<kind>,"received":<time>,` + `rest` + `}`.
 */
export interface Draft {
  readonly kind: EntryKind;
  /** JSON text of the members after `received`, beginning `"sent":"…"`, without the closing brace. */
  readonly rest: string;
  /** 24 bytes: 16 of the keyed identity (tenant, source, id), 8 of `sent`. Absent: no sameness check. */
  readonly identity?: Uint8Array;
  /** Ciphertext that the entry names by digest; made durable before the entry is. */
  readonly blob?: { readonly id: string; readonly ciphertext: Uint8Array };
}

/** Body of an entry of kind `statement`; its types and members are listed in docs/formats/statements.md. */
export interface Statement {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Stores a statement in the trail `evident` and resolves with its index when it is durable. */
export type AppendStatement = (statement: Statement) => Promise<number>;

/** What became of one draft. `duplicate` and `conflict` name the first entry of that identity; a conflict is not stored. */
export type Appended =
  | { readonly status: "stored"; readonly trail: string; readonly index: number }
  | { readonly status: "duplicate"; readonly trail: string; readonly index: number }
  | { readonly status: "conflict"; readonly trail: string; readonly index: number };

/** A signed tree head as last published: `note` is the checkpoint's exact bytes. */
export interface PublishedHead {
  readonly trail: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: Uint8Array;
}

/** What is known of one trail. `size` counts committed entries, `publishedSize` those under the signed checkpoint. */
export interface TrailInfo {
  readonly name: string;
  readonly tenant: string;
  readonly system: boolean;
  readonly origin: string;
  /** Genesis verifier keys: Ed25519, then ML-DSA-44. Trust needs only these. */
  readonly genesis: readonly string[];
  /** Verifier keys that sign now; the genesis keys until a rotation. */
  readonly keys: readonly string[];
  readonly created: string;
  readonly size: number;
  readonly publishedSize: number;
  readonly sealedSize: number;
}

/** Entries of one trail that became durable together; `entries[i]` has index `first + i` and is the exact stored line. */
export interface CommittedBatch {
  readonly trail: string;
  readonly first: number;
  readonly entries: readonly Uint8Array[];
}

/** Reading side of the ledger, for search, watch, review and the API. */
export interface LedgerReader {
  trails(): readonly TrailInfo[];
  trail(name: string): TrailInfo | undefined;
  /** The stored line, or undefined when the index is not committed. */
  entry(trail: string, index: number): Promise<Uint8Array | undefined>;
  /** Committed entries `[from, to)` in order, in chunks of at most 256 that never cross a bundle border. */
  entries(
    trail: string,
    from: number,
    to: number,
  ): AsyncIterable<{ readonly first: number; readonly entries: readonly Uint8Array[] }>;
  /** Called in the same turn in which the batch became durable, in order per trail. The listener must not throw or wait. */
  onCommit(listener: (batch: CommittedBatch) => void): () => void;
}

export type ClockState =
  | { readonly kind: "steady" }
  | { readonly kind: "holding"; readonly wall: string; readonly received: string; readonly deltaMs: number };

/** How much the ledger can take now; the API answers 429 or 507 from it before it reads a body. */
export type Pressure =
  | { readonly kind: "ready"; readonly pendingBytes: number }
  | { readonly kind: "busy"; readonly pendingBytes: number; readonly retryAfterSeconds: number }
  | { readonly kind: "full"; readonly detail: string };

/** A fold of the `evident` trail: state that can be deleted and rebuilt. `state` is plain JSON data. */
export interface Fold<State> {
  /** kebab-case; names the snapshot file. */
  readonly name: string;
  /** Raise it when `apply` changes meaning; older snapshots are then ignored. */
  readonly version: number;
  readonly initial: State;
  /** Returns the next state; called once per statement in order. */
  apply(state: State, statement: Statement, index: number, received: string): State;
}

export interface Ledger extends LedgerReader {
  /** 32 bytes: keys the `sent` of submissions and the identity of events. */
  readonly macKey: Uint8Array;
  /**
   * Stores drafts in order in one trail and resolves when they are durable (after fdatasync).
   * @throws EvidentError `overloaded`, `storage_full`, `not_ready` while it stops (nothing was taken), `storage_failed` (the process must
   *   end), `not_found`
   */
  append(trail: string, drafts: readonly Draft[]): Promise<readonly Appended[]>;
  /** Appends a statement to the trail `evident`; `sent` is added. Resolves with its index when durable. */
  appendStatement(statement: Statement): Promise<number>;
  createTrail(options: { readonly name: string; readonly tenant: string; readonly by: string }): Promise<TrailInfo>;
  /**
   * Signs one checkpoint with the old and the new keys, then continues with the new. What interrupts it once it is stated in `evident`,
   * a crash among others, is finished by the next publish.
   * @throws EvidentError `conflict` when nothing was added since the last change of keys, `storage_full`, `not_ready`, `storage_failed`
   */
  rotateKeys(trail: string, by: string): Promise<TrailInfo>;
  /**
   * Seals what is complete; with `tail` also the unfinished bundle.
   * @throws EvidentError `storage_full` (the next seal or the stop finishes what was begun), `not_ready`, `storage_failed`
   */
  seal(trail: string, options: { readonly tail: boolean }): Promise<void>;
  published(trail: string): PublishedHead;
  /** Resolves with the first published head that covers `size` entries. Rejects when `signal` aborts or the ledger closes. */
  waitPublished(trail: string, size: number, signal?: AbortSignal): Promise<PublishedHead>;
  /** `.tlog-proof` of an entry under the newest published head, entry bytes in `extra`; undefined when not yet published. */
  receipt(trail: string, index: number): Promise<Uint8Array | undefined>;
  /** A hash tile of the published tree, truncated to `width` * 32 bytes; undefined when the tree does not hold it. */
  tile(trail: string, level: number, n: number, width: number): Promise<Uint8Array | undefined>;
  /** An entry bundle (`u16 length, entry` repeated) of published entries. */
  bundle(trail: string, n: number, width: number): Promise<Uint8Array | undefined>;
  rotations(trail: string): Promise<readonly { readonly size: number; readonly note: Uint8Array }[]>;
  /** Ciphertext of a blob, undefined when unknown. `id` is checked: 32 hex characters. */
  blob(trail: string, id: string): Promise<Uint8Array | undefined>;
  openFold<State>(fold: Fold<State>): Promise<{ state(): State }>;
  pressure(): Pressure;
  clock(): ClockState;
  confirmClock(by: string): Promise<void>;
  /** Unix ms that `received` follows; never decreases. */
  nowMs(): number;
  /** For metrics: counters since start. */
  counters(): {
    readonly commits: number;
    readonly fsyncs: number;
    readonly entries: number;
    readonly bytes: number;
    readonly publishes: number;
    readonly walBytes: number;
  };
  /** Resolves with the reason when the ledger has failed for good (failed write or fsync); the process must then exit. */
  readonly failed: Promise<Error>;
  /**
   * Finishes what is under way, publishes, writes the close record and releases the lock. Everything after it is refused (`not_ready`).
   * Rejects when it could not, without a close record: the next start recovers. The lock is released in any case.
   */
  close(): Promise<void>;
}

/** Where and how to open a ledger. Times are milliseconds, sizes bytes. */
export interface LedgerOptions {
  readonly dataDir: string;
  readonly keysDir: string;
  /** Host part of new trails' origins; default "evident.invalid". */
  readonly originHost?: string;
  readonly version: string;
  /** Injected clocks and storage for tests; defaults are the real ones. */
  readonly clock?: { wallMs(): number; monotonicMs(): number };
  readonly publishIntervalMs?: number;
  readonly segmentEntries?: number;
  readonly segmentBytes?: number;
  readonly sealAgeMs?: number;
  readonly walBytes?: number;
  readonly walFileBytes?: number;
  readonly maxPendingBytes?: number;
  /** The identity (24 bytes, as in `Draft`) of a stored line; undefined when it has none. Used when identities are rebuilt. */
  readonly identityOf?: (line: Uint8Array, macKey: Uint8Array) => Uint8Array | undefined;
  readonly storage?: import("./storage/index.ts").Storage;
  /** After each commit: how long its oldest entry waited, and how many entries it made durable. */
  readonly onCommitted?: (waitMs: number, entries: number) => void;
  readonly onAlarm?: (alarm: {
    readonly kind: "clock_stepped" | "storage_full" | "torn_tail" | "publish_late";
    readonly detail: string;
  }) => void;
}
