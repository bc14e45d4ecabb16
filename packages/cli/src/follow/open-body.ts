import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { EvidentError } from "@evident/core";
import { fileError } from "../files/index.ts";
import type { FoundFile } from "./find-files.ts";
import { TAIL_BYTES } from "./fingerprint.ts";

const PACKED_BYTES = 64 * 1024;

/** An open file's content, unpacked. */
export interface Body {
  /** Device and inode. */
  readonly file: string;
  /** A packed file is whole: nothing is appended to it. */
  readonly isPacked: boolean;
  /** Bytes from `at` on, at most `most`; none at the end. */
  read(at: number, most: number): Promise<Buffer>;
  /** The bytes before `at`, at most 256 of them; undefined where the content ends before. */
  before(at: number): Promise<Buffer | undefined>;
  stat(): BodyStat;
  close(): void;
}

interface BodyStat {
  /** Of the content; of a packed file undefined. */
  readonly sizeBytes: number | undefined;
  readonly mtimeMs: number;
  /** Names that it has; 0 when it was deleted. */
  readonly links: number;
}

/** @throws EvidentError by the file's error; `conflict` when the path has become another file */
export function openBody(found: FoundFile): Body {
  let descriptor: number;
  try {
    // A pipe put there in the meantime would hold the open up for ever.
    descriptor = openSync(found.path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw fileError(found.path, cause);
  }
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  if (`${dev}:${ino}` !== found.file) {
    closeSync(descriptor);
    throw new EvidentError("conflict", `${found.path} was replaced while it was being opened`);
  }
  if (found.packing === "none") return new PlainBody(found.file, descriptor);
  return new PackedBody(found, descriptor);
}

class PlainBody implements Body {
  readonly file: string;
  readonly isPacked = false;
  readonly #descriptor: number;

  constructor(file: string, descriptor: number) {
    this.file = file;
    this.#descriptor = descriptor;
  }

  // Read from the page cache in a fraction of a millisecond: a trip to a thread would take longer.
  read(at: number, most: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(most);
    let length = 0;
    for (let got = -1; got !== 0 && length < most; length += got) {
      got = readSync(this.#descriptor, bytes, length, most - length, at + length);
    }
    return Promise.resolve(bytes.subarray(0, length));
  }

  async before(at: number): Promise<Buffer | undefined> {
    const from = Math.max(0, at - TAIL_BYTES);
    const bytes = await this.read(from, at - from);
    return bytes.length === at - from ? bytes : undefined;
  }

  stat(): BodyStat {
    const { size, mtimeMs, nlink } = fstatSync(this.#descriptor);
    return { sizeBytes: size, mtimeMs, links: nlink };
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Unpacks in order; going back begins again. */
class PackedBody implements Body {
  readonly file: string;
  readonly isPacked = true;
  readonly #found: FoundFile;
  readonly #descriptor: number;
  #stream: Readable | undefined;
  #parts: AsyncIterator<Buffer> | undefined;
  #held: Buffer = Buffer.alloc(0);
  #offset = 0;
  #tail: Buffer = Buffer.alloc(0);
  #isClosed = false;

  constructor(found: FoundFile, descriptor: number) {
    this.file = found.file;
    this.#found = found;
    this.#descriptor = descriptor;
  }

  async read(at: number, most: number): Promise<Buffer> {
    if (at < this.#offset || this.#parts === undefined) this.#begin();
    while (this.#offset < at) if ((await this.#next(at - this.#offset)).length === 0) return Buffer.alloc(0);
    return this.#next(most);
  }

  async before(at: number): Promise<Buffer | undefined> {
    if (at < this.#offset || this.#parts === undefined) this.#begin();
    while (this.#offset < at) if ((await this.#next(at - this.#offset)).length === 0) return undefined;
    return this.#tail;
  }

  stat(): BodyStat {
    const { mtimeMs, nlink } = fstatSync(this.#descriptor);
    return { sizeBytes: undefined, mtimeMs, links: nlink };
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.destroy();
    closeSync(this.#descriptor);
  }

  #begin(): void {
    this.#stream?.destroy();
    const unpack = this.#found.packing === "zstd" ? createZstdDecompress() : createGunzip();
    // The error of either side comes out of the reading.
    pipeline(Readable.from(this.#packed()), unpack, () => undefined);
    this.#stream = unpack;
    this.#parts = unpack[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#held = Buffer.alloc(0);
    this.#tail = Buffer.alloc(0);
    this.#offset = 0;
  }

  *#packed(): Generator<Buffer> {
    for (let at = 0; !this.#isClosed; ) {
      const bytes = Buffer.allocUnsafeSlow(PACKED_BYTES);
      const length = readSync(this.#descriptor, bytes, 0, PACKED_BYTES, at);
      if (length === 0) return;
      at += length;
      yield bytes.subarray(0, length);
    }
  }

  /** At most `most` of the bytes that follow. */
  async #next(most: number): Promise<Buffer> {
    if (this.#held.length === 0) {
      try {
        const next = await this.#parts?.next();
        if (next === undefined || next.done === true) return Buffer.alloc(0);
        this.#held = next.value;
      } catch (cause) {
        throw damaged(this.#found.path, cause);
      }
    }
    const bytes = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(bytes.length);
    this.#offset += bytes.length;
    this.#tail = lastOf(this.#tail, bytes);
    return bytes;
  }
}

/** The last 256 bytes of what was read with what follows. */
export function lastOf(before: Buffer, bytes: Buffer): Buffer {
  if (bytes.length >= TAIL_BYTES) return Buffer.from(bytes.subarray(-TAIL_BYTES));
  return Buffer.concat([before, bytes]).subarray(-TAIL_BYTES);
}

function damaged(path: string, cause: unknown): unknown {
  const isDamaged = cause instanceof Error && "code" in cause && /^(?:Z_|ZSTD_)/.test(String(cause.code));
  if (!isDamaged) return fileError(path, cause);
  return new EvidentError("malformed", `${path} is damaged or not complete: ${cause.message}`, {
    cause,
    fix: "What came before is sent; it is read again when the file changes.",
  });
}
