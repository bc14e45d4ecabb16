import type { SeekFrame, Statement, StatementType, WalHeader } from "@evident/core";

/** Statements that the verifier acts on; the others are left in the worker. */
export const actedStatements = [
  "server.started",
  "server.stopped",
  "trail.created",
  "signing_key.created",
  "signing_key.rotated",
  "checkpoint.recorded",
  "segment.sealed",
  "tail.sealed",
] as const satisfies readonly StatementType[];

export type ActedStatement = Statement<(typeof actedStatements)[number]>;

/** A statement of trail `evident` with its place. `undefined`: another type, which still moves the end. */
export interface FoundStatement {
  readonly index: number;
  readonly statement: ActedStatement | undefined;
}

/** Something wrong with one entry, whatever the tree says of it. */
export interface EntryFault {
  readonly index: number;
  readonly kind: "malformed" | "reordered" | "missing" | "edited" | "truncated";
  readonly detail: string;
  /** Below the data directory, when it is not the file that holds the entry. */
  readonly file?: string;
}

/** What a run of entries holds beside its hashes. */
export interface RunFacts {
  readonly first: number;
  readonly count: number;
  /** `received` of the first and the last entry in order; empty when no line had one. */
  readonly received: readonly [string, string];
  readonly faults: readonly EntryFault[];
  readonly statements: readonly FoundStatement[];
  /** Ids of blobs that entries name, 16 bytes each; `pendingBlobs` counts those still waiting for their name. */
  readonly blobIds: Uint8Array;
  readonly pendingBlobs: readonly string[];
}

/** A level-0 tile that does not hold the leaf hashes of the entries beside it. */
export interface TileFault {
  readonly state: "missing" | "length" | "differs";
  readonly sizeBytes: number;
  /** Root over the tile's own hashes, when it is whole. */
  readonly root?: Uint8Array;
  /** Indexes of the first entries that differ (at most 16), and how many there are. */
  readonly differing: readonly number[];
  readonly differingCount: number;
  /** Both hold the same hashes in another order. */
  readonly permuted: boolean;
}

/** Hashes of one bundle. `leaves` only when it is not a whole one. */
export interface BundleFacts {
  readonly n: number;
  readonly count: number;
  readonly root: Uint8Array | undefined;
  readonly leaves: Uint8Array | undefined;
  /** Why the frame could not be read. */
  readonly unreadable?: string;
  readonly tile?: TileFault;
}

/** Unpacks, splits and hashes frames of a sealed file and compares the leaf hashes with the level-0 tiles. */
export interface FramesTask {
  readonly kind: "frames";
  readonly dataDir: string;
  readonly trail: string;
  readonly path: string;
  readonly frames: readonly SeekFrame[];
  readonly firstBundle: number;
  /** End of the entries in the file: the last bundle of a tail is not whole. */
  readonly end: number;
  /** Published size: which tiles there must be, and how wide. */
  readonly treeSize: number;
}

export interface FramesResult {
  readonly kind: "frames";
  readonly bundles: readonly BundleFacts[];
  readonly facts: RunFacts;
}

/** Checks and hashes the records in a piece of a log file that holds whole records. */
export interface WalTask {
  readonly kind: "wal";
  readonly dataDir: string;
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  /** Undefined when the statement that names it is not there: signatures are then not checked. */
  readonly key: Uint8Array | undefined;
}

/** Entries of one trail in one record. */
export interface WalPart {
  readonly trail: string;
  readonly root: string;
  readonly leaves: Uint8Array;
  readonly facts: RunFacts;
}

export interface WalRecordFacts {
  readonly header: WalHeader;
  readonly offset: number;
  readonly end: number;
  readonly digest: Uint8Array;
  /** False: the bytes have the form of a record, but the signature does not hold. */
  readonly signed: boolean;
  readonly parts: readonly WalPart[];
}

export interface WalResult {
  readonly kind: "wal";
  readonly records: readonly WalRecordFacts[];
  /** Offset in the file where no record was found. */
  readonly brokenAt?: number;
}

/** Length and SHA-256 of a whole file. */
export interface DigestTask {
  readonly kind: "digest";
  readonly path: string;
}

export interface DigestResult {
  readonly kind: "digest";
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Checks and hashes one bundle as a server gave it, and compares it with the level-0 tile beside it. */
export interface BundleTask {
  readonly kind: "bundle";
  readonly trail: string;
  readonly n: number;
  /** Entries that it must hold, hashes that the tile must. */
  readonly width: number;
  /** Undefined: the server gives none; the tile's hashes then stand in for those of the entries. */
  readonly bundle: Uint8Array | undefined;
  readonly tile: Uint8Array | undefined;
  /** Numbers of its first entries to give the root over, each below 256. */
  readonly marks: readonly number[];
}

export interface BundleResult {
  readonly kind: "bundle";
  readonly bundle: BundleFacts;
  /** Whether the hashes come from entries. */
  readonly isRead: boolean;
  /** Roots in the order of the task's marks; fewer when there are fewer hashes. */
  readonly markRoots: readonly Uint8Array[];
  readonly facts: RunFacts;
}

export type VerifyTask = FramesTask | WalTask | DigestTask | BundleTask;

export type ResultOf<Task extends VerifyTask> = Task extends FramesTask
  ? FramesResult
  : Task extends WalTask
    ? WalResult
    : Task extends BundleTask
      ? BundleResult
      : DigestResult;
