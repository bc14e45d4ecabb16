import { join } from "node:path";
import { EvidentError } from "@evident/core";
import type { FileSystem, OpenFile } from "./file-system.ts";
import { SpareFile } from "./spare-file.ts";
import { isDiskFull, systemCode, toStorageError, toUnsynced } from "./storage-errors.ts";
import type { Wal } from "./types.ts";
import { isWalFileName, spareFileName, walFileName } from "./wal-file-name.ts";
import { readFully, withFile, writeFully } from "./whole-file.ts";

/** Part of a file after which the next one is prepared. */
const PREPARE_AFTER = 0.25;

/** The file that takes records: it began to at `begin`, the next comes to `end`, its zeros end at `allocated`. */
interface CurrentFile {
  readonly name: string;
  readonly handle: OpenFile;
  readonly begin: number;
  end: number;
  readonly allocated: number;
}

export interface FileWalOptions {
  readonly fileSystem: FileSystem;
  /** The directory of log files. */
  readonly directory: string;
  readonly epoch: number;
  readonly fileBytes: number;
  /** File 0 of the epoch, in place and durable. */
  readonly current: CurrentFile;
  readonly fsyncs: number;
}

/**
 * The log of one epoch as files of records. A file is preallocated whole before its first record and never grows, so a commit is one
 * write over zeros and one fdatasync that needs no metadata. Sizes double from the first file up to `fileBytes`: a quiet store stays small.
 */
export class FileWal implements Wal {
  readonly #options: FileWalOptions;
  /** Full files and their sizes. */
  readonly #full = new Map<string, number>();
  #current: CurrentFile;
  #number = 0;
  #spare: SpareFile;
  #preparing: Promise<void> | undefined;
  #background = true;
  #failure: Error | undefined;
  #closed = false;
  #released = false;
  #busy = false;
  #syncs: number;

  constructor(options: FileWalOptions) {
    this.#options = options;
    this.#current = options.current;
    this.#syncs = options.fsyncs;
    this.#spare = this.#nextSpare();
  }

  get reservedBytes(): number {
    if (this.#failure !== undefined || this.#closed) return 0;
    return Math.max(this.#current.allocated - this.#current.end, this.#spare.sizeBytes);
  }

  get totalBytes(): number {
    let sum = this.#current.end;
    for (const sizeBytes of this.#full.values()) sum += sizeBytes;
    return sum;
  }

  get fsyncs(): number {
    return this.#syncs + this.#spare.syncs;
  }

  async reserve(bytes: number): Promise<void> {
    this.#refuse();
    this.#background = true;
    while (this.reservedBytes < bytes) {
      // What is prepared in the background may be more than the disk has room for: that it fails says nothing of these bytes.
      if (this.#preparing === undefined) await this.#prepare(this.#nextSize(bytes), bytes);
      else await this.#preparing.catch(() => undefined);
      this.#refuse();
    }
  }

  async append(record: Uint8Array): Promise<{ readonly file: string; readonly offset: number }> {
    this.#refuse();
    if (this.#busy) throw new EvidentError("internal", "two appends to the log at the same time");
    this.#busy = true;
    try {
      if (record.length > this.reservedBytes) await this.reserve(record.length);
      return await this.#final(async () => {
        if (this.#current.end + record.length > this.#current.allocated) await this.#rotate();
        return this.#write(record);
      });
    } finally {
      this.#busy = false;
    }
  }

  async read(file: string, offset: number, length: number): Promise<Uint8Array> {
    return readWalFile(this.#options.fileSystem, this.#options.directory, { file, offset, length });
  }

  async remove(files: readonly string[]): Promise<void> {
    this.#refuse();
    const gone = files.filter((file) => file !== this.#current.name);
    try {
      await removeWalFiles(this.#options.fileSystem, this.#options.directory, gone);
    } catch (cause) {
      const failure = toStorageError(cause, "wal/");
      // A disk too full to remove a file leaves one too many. After anything else it is unknown what the log consists of.
      if (!(failure instanceof EvidentError && failure.code === "storage_full")) this.#failure ??= toError(failure);
      throw failure;
    }
    for (const file of gone) this.#full.delete(file);
  }

  async end(): Promise<void> {
    if (this.#closed) return;
    await this.#preparing?.catch(() => undefined);
    this.#refuse();
    this.#closed = true;
    await this.#final(async () => {
      const { fileSystem, directory } = this.#options;
      await this.#spare.remove();
      await fileSystem.syncDirectory(directory);
      await this.#endFile();
    });
  }

  async close(last: Uint8Array | undefined): Promise<void> {
    await this.end();
    if (this.#failure !== undefined) this.#refuse();
    if (this.#released) return;
    this.#released = true;
    await this.#final(async () => {
      if (last !== undefined) await this.#write(last);
      await this.#current.handle.close();
    });
  }

  async #write(record: Uint8Array): Promise<{ readonly file: string; readonly offset: number }> {
    const current = this.#current;
    const offset = current.end;
    await writeFully(current.handle, record, offset);
    await current.handle.fdatasync();
    this.#syncs += 1;
    current.end = offset + record.length;
    this.#prepareAhead();
    return { file: current.name, offset };
  }

  /** Cuts the current file to its records. Must be durable before the next file has one: only the last file may end in zeros. */
  async #endFile(): Promise<void> {
    const { handle, end, allocated } = this.#current;
    if (end < allocated) await handle.truncate(end);
    await handle.fsync();
    this.#syncs += 1;
  }

  async #rotate(): Promise<void> {
    const { fileSystem, directory, epoch } = this.#options;
    await this.#endFile();
    await this.#current.handle.close();
    this.#full.set(this.#current.name, this.#current.end);
    this.#number += 1;
    const name = walFileName(epoch, this.#number);
    const allocated = this.#spare.sizeBytes;
    const handle = this.#spare.take();
    await fileSystem.rename(this.#spare.path, join(directory, name));
    await fileSystem.syncDirectory(directory);
    this.#syncs += this.#spare.syncs + 1;
    this.#current = { name, handle, begin: 0, end: 0, allocated };
    this.#spare = this.#nextSpare();
  }

  #nextSpare(): SpareFile {
    const { fileSystem, directory, epoch } = this.#options;
    return new SpareFile(fileSystem, join(directory, spareFileName(walFileName(epoch, this.#number + 1))));
  }

  #nextSize(bytes: number): number {
    const { begin, allocated } = this.#current;
    return Math.max(bytes, Math.min(this.#options.fileBytes, (allocated - begin) * 2));
  }

  /** Begins the next file while the current one still has room. A full disk is not asked again until someone needs the room. */
  #prepareAhead(): void {
    const { begin, end, allocated } = this.#current;
    if (!this.#background || this.#preparing !== undefined || this.#spare.sizeBytes > 0) return;
    if (this.#closed || end - begin < (allocated - begin) * PREPARE_AFTER) return;
    this.#prepare(this.#nextSize(0), 0).catch(() => {
      this.#background = false;
    });
  }

  /** Grows the spare to `bytes`, or on a full disk to `least`. */
  #prepare(bytes: number, least: number): Promise<void> {
    const spare = this.#spare;
    const grown = spare.grow(bytes).catch((cause: unknown) => {
      if (isDiskFull(cause) && least > 0 && least < bytes) return spare.grow(least);
      throw cause;
    });
    const preparing = grown
      .catch((cause: unknown) => {
        if (!isDiskFull(cause)) this.#failure ??= toError(cause);
        throw toStorageError(cause, `no room for the next ${Math.max(bytes, least)} bytes of the log`);
      })
      .finally(() => {
        this.#preparing = undefined;
      });
    this.#preparing = preparing;
    return preparing;
  }

  #refuse(): void {
    if (this.#failure !== undefined) {
      throw new EvidentError("storage_failed", `the log has failed: ${this.#failure.message}`, {
        cause: this.#failure,
      });
    }
    if (this.#closed) throw new EvidentError("storage_failed", "the log is closed");
  }

  /** A failed step leaves the disk unknown: nothing may follow it (the page cache can say it is written when it is not). */
  async #final<Value>(step: () => Promise<Value>): Promise<Value> {
    try {
      return await step();
    } catch (cause) {
      const failure = toError(cause);
      this.#failure ??= failure;
      if (systemCode(cause) === undefined) throw cause;
      throw new EvidentError("storage_failed", `the log could not be written: ${failure.message}`, { cause });
    }
  }
}

function toError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** Reads a part of a log file. @throws EvidentError `corrupt_store` when it is shorter, `storage_failed` when it cannot be read */
export async function readWalFile(
  fileSystem: FileSystem,
  directory: string,
  part: { readonly file: string; readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  checkName(part.file);
  try {
    return await withFile(fileSystem, join(directory, part.file), "read", (file) =>
      readFully(file, part.offset, part.length, `wal/${part.file}`),
    );
  } catch (cause) {
    if (systemCode(cause) === "ENOENT")
      throw new EvidentError("corrupt_store", `wal/${part.file} is missing`, { cause });
    throw toStorageError(cause, `wal/${part.file}`);
  }
}

/** Removes log files, oldest first, so that a crash leaves no hole among them. Missing ones are fine. */
export async function removeWalFiles(
  fileSystem: FileSystem,
  directory: string,
  files: readonly string[],
): Promise<void> {
  if (files.length === 0) return;
  for (const file of files.toSorted()) {
    checkName(file);
    try {
      await fileSystem.unlink(join(directory, file));
    } catch (cause) {
      if (systemCode(cause) !== "ENOENT") throw cause;
    }
  }
  try {
    await fileSystem.syncDirectory(directory);
  } catch (cause) {
    throw toUnsynced(cause, "wal/");
  }
}

function checkName(file: string): void {
  if (!isWalFileName(file)) throw new EvidentError("internal", `"${file.slice(0, 40)}" is no file of the log`);
}
