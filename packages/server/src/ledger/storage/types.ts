/**
 * An append-only log of byte records, one writer. Two implementations share this interface and its contract suite.
 * A failed write or fsync is final: the instance refuses everything after it (`storage_failed`), never retries.
 */
export interface Wal {
  /** Bytes that can still be written without the disk being able to be full (preallocated, zero-filled, synced). */
  readonly reservedBytes: number;
  /** Bytes held by all files of this writer. */
  readonly totalBytes: number;
  /**
   * Makes at least `bytes` reserved by preallocating the current or next file with zeros.
   * @throws EvidentError `storage_full` on ENOSPC or EDQUOT: nothing is lost, call again later
   */
  reserve(bytes: number): Promise<void>;
  /**
   * Appends the record at the end and makes it durable (one write, one fdatasync). Calls must not overlap.
   * Rotates to the next file first when the record does not fit: the full file is truncated to its end and synced before the next gets a record.
   * @returns where the record lies
   * @throws EvidentError `storage_failed`
   */
  append(record: Uint8Array): Promise<{ readonly file: string; readonly offset: number }>;
  /** Reads `length` bytes of a file of this log. */
  read(file: string, offset: number, length: number): Promise<Uint8Array>;
  /**
   * Removes files that hold nothing needed any more, oldest first; the current file is never removed.
   * @throws EvidentError `storage_full` when the disk is too full even for that: call again later; `storage_failed`
   */
  remove(files: readonly string[]): Promise<void>;
  /** Gives back what is reserved: truncates the current file to its end and syncs. Only `close` may follow. */
  end(): Promise<void>;
  /** Ends the log, appends `last` exactly at the end and syncs; then closes. */
  close(last: Uint8Array | undefined): Promise<void>;
  readonly fsyncs: number;
}

/**
 * Whole objects by name, created once. Names are relative paths with `/`. Every method is durable when it resolves.
 * One that throws `storage_full` may have done its work or not, and can be called again; after any other failure the disk is unknown.
 */
export interface ObjectStore {
  /** Creates an object that must not exist. If it exists with the same bytes, that is success; with others `corrupt_store`. */
  create(name: string, bytes: Uint8Array): Promise<void>;
  /** Atomically creates or replaces (checkpoints only): temporary file, fsync, rename, fsync of the directory. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /** Creates from chunks without holding the object in memory; same rules as `create`. Returns length and SHA-256. */
  createStream(
    name: string,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly sizeBytes: number; readonly sha256: Uint8Array }>;
  read(name: string): Promise<Uint8Array | undefined>;
  readRange(name: string, offset: number, length: number): Promise<Uint8Array>;
  size(name: string): Promise<number | undefined>;
  /** Length and SHA-256 of an object without holding it in memory; undefined when there is none. */
  digest(name: string): Promise<{ readonly sizeBytes: number; readonly sha256: Uint8Array } | undefined>;
  /** Names below a prefix, sorted; empty when there are none. */
  list(prefix: string): Promise<readonly string[]>;
  /** Renames; the directories are synced once at the end. One that was done before (only `to` is there) is fine. */
  renameMany(pairs: readonly { readonly from: string; readonly to: string }[]): Promise<void>;
  /** Removes objects that are superseded (old partial tiles, tails, pending blobs). Missing ones are fine. */
  remove(names: readonly string[]): Promise<void>;
  /** Several creates whose directories are synced once at the end (tiles of one publish). */
  createMany(objects: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Promise<void>;
}

/** How the ledger reaches its bytes. `openWal` starts the first file of a new epoch. */
export interface Storage {
  /** Everything below the data directory but `wal/`. */
  readonly objects: ObjectStore;
  /** WAL files that exist, sorted, with their sizes. */
  walFiles(): Promise<readonly { readonly file: string; readonly sizeBytes: number }[]>;
  readWalFile(file: string, offset: number, length: number): Promise<Uint8Array>;
  /**
   * Starts epoch `epoch`. `first` (the recovery records, in order) is written to a temporary file, synced, and renamed into place with
   * its directory synced, so a crash leaves either nothing of it or all of it.
   */
  openWal(
    epoch: number,
    first: AsyncIterable<Uint8Array>,
    options: { readonly fileBytes: number },
  ): Promise<{ readonly wal: Wal; readonly placed: readonly { readonly file: string; readonly offset: number }[] }>;
  removeWalFiles(files: readonly string[]): Promise<void>;
  /** The EXCLUSIVE one-writer lock. @throws EvidentError `store_in_use` */
  lock(): Promise<{ release(): void }>;
}
