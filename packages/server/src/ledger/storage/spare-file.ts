import { EvidentError } from "@evident/core";
import type { FileSystem, OpenFile } from "./file-system.ts";
import { isDiskFull, systemCode } from "./storage-errors.ts";
import { writeFully } from "./whole-file.ts";

/** Written and synced piece by piece, so that a commit never waits behind a whole file of zeros. */
const PIECE_BYTES = 1 << 20;
const zeros = new Uint8Array(PIECE_BYTES);

/** Writes synced zeros from `from` to `to`. Written, not only allocated: the first write of a record must need no metadata. */
export async function fillWithZeros(file: OpenFile, from: number, to: number): Promise<number> {
  let syncs = 0;
  for (let offset = from; offset < to; offset += PIECE_BYTES) {
    await writeFully(file, zeros.subarray(0, Math.min(PIECE_BYTES, to - offset)), offset);
    await file.fdatasync();
    syncs += 1;
  }
  return syncs;
}

/** The next file of the log, preallocated under another name until it is needed. */
export class SpareFile {
  readonly path: string;
  readonly #fileSystem: FileSystem;
  #file: OpenFile | undefined;
  #sizeBytes = 0;
  syncs = 0;

  constructor(fileSystem: FileSystem, path: string) {
    this.#fileSystem = fileSystem;
    this.path = path;
  }

  /** Zeros that are durable. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Grows to `sizeBytes`. On a full disk what could not be kept is given back, and the error passes on. */
  async grow(sizeBytes: number): Promise<void> {
    try {
      this.#file ??= await this.#fileSystem.open(this.path, "create");
      this.syncs += await fillWithZeros(this.#file, this.#sizeBytes, sizeBytes);
      this.#sizeBytes = Math.max(this.#sizeBytes, sizeBytes);
    } catch (cause) {
      if (isDiskFull(cause)) await this.remove();
      throw cause;
    }
  }

  /** Hands over the open file, to be renamed and written to. */
  take(): OpenFile {
    const file = this.#file;
    if (file === undefined) throw new EvidentError("internal", "the spare file was not made");
    this.#file = undefined;
    this.#sizeBytes = 0;
    return file;
  }

  async remove(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#sizeBytes = 0;
    await file?.close();
    try {
      await this.#fileSystem.unlink(this.path);
    } catch (cause) {
      if (systemCode(cause) !== "ENOENT") throw cause;
    }
  }
}
