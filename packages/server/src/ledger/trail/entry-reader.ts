import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { EvidentError, parseSeekTable, type SeekTable, splitLines } from "@evident/core";
import type { ObjectStore } from "../storage/index.ts";
import { pathOf } from "./paths.ts";
import type { SealedFile, Trail } from "./trail.ts";

const decompress = promisify(zstdDecompress);
const BUNDLE_ENTRIES = 256;
/** 256 entries of at most 65,535 bytes and their line ends. */
const MAX_FRAME_BYTES = BUNDLE_ENTRIES * 65_536;
const OPEN_TABLES = 64;

/** What of a trail tells where its entries lie. */
export type LocatedTrail = Pick<Trail, "name" | "segments" | "tail" | "wal" | "durable">;

export type ReadWal = (file: string, offset: number, sizeBytes: number) => Promise<Uint8Array>;

/** Reads committed entries of a trail from wherever they lie: segment, tail or WAL. */
export class EntryReader {
  readonly #objects: ObjectStore;
  readonly #readWal: ReadWal;
  readonly #tables = new Map<string, SeekTable>();

  constructor(objects: ObjectStore, readWal: ReadWal) {
    this.#objects = objects;
    this.#readWal = readWal;
  }

  /** Entries `[from, to)`, which lie in one bundle and are durable. */
  async read(trail: LocatedTrail, from: number, to: number): Promise<readonly Uint8Array[]> {
    try {
      return await this.#read(trail, from, to);
    } catch (cause) {
      // Sealing may have moved the entries between the look-up and the read: look once more.
      const again = await this.#read(trail, from, to).catch(() => undefined);
      if (again !== undefined) return again;
      throw cause;
    }
  }

  async *range(
    trail: LocatedTrail,
    from: number,
    to: number,
  ): AsyncGenerator<{ first: number; entries: readonly Uint8Array[] }> {
    const end = Math.min(to, trail.durable.size);
    for (let first = Math.max(0, from); first < end; ) {
      const next = Math.min(end, (Math.floor(first / BUNDLE_ENTRIES) + 1) * BUNDLE_ENTRIES);
      yield { first, entries: await this.read(trail, first, next) };
      first = next;
    }
  }

  /** The seek table of a sealed file. */
  async seekTable(name: string): Promise<SeekTable> {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const sizeBytes = await this.#objects.size(name);
    if (sizeBytes === undefined) throw new EvidentError("corrupt_store", `${name} is missing`);
    const table = await parseSeekTable(sizeBytes, (offset, length) => this.#objects.readRange(name, offset, length));
    if (this.#tables.size >= OPEN_TABLES) this.#tables.delete(this.#tables.keys().next().value ?? "");
    this.#tables.set(name, table);
    return table;
  }

  /** All entries of one bundle of a sealed file, as they were before sealing. */
  async frame(name: string, number: number): Promise<readonly Uint8Array[]> {
    const frame = (await this.seekTable(name)).frames[number];
    if (frame === undefined) throw new EvidentError("corrupt_store", `${name} has no frame ${number}`);
    const bytes = await this.#objects.readRange(name, frame.offset, frame.compressedBytes);
    return splitLines(await decompress(bytes, { maxOutputLength: MAX_FRAME_BYTES }));
  }

  async #read(trail: LocatedTrail, from: number, to: number): Promise<readonly Uint8Array[]> {
    const segment = findSealed(trail.segments, from);
    if (segment !== undefined) {
      const bundle = Math.floor((from - segment.first) / BUNDLE_ENTRIES);
      return slice(
        await this.frame(segment.name, bundle),
        segment.first + bundle * BUNDLE_ENTRIES,
        from,
        to,
        segment.name,
      );
    }
    const { tail } = trail;
    if (tail === undefined || from < tail.first || from >= tail.end) return this.#readRuns(trail, from, to);
    const sealed = slice(await this.frame(tail.name, 0), tail.first, from, Math.min(to, tail.end), tail.name);
    return to <= tail.end ? sealed : [...sealed, ...(await this.#readRuns(trail, tail.end, to))];
  }

  async #readRuns(trail: LocatedTrail, from: number, to: number): Promise<readonly Uint8Array[]> {
    const entries: Uint8Array[] = [];
    for (const run of trail.wal.covering(from, to)) {
      const bytes = await this.#readWal(run.file, run.offset, run.sizeBytes);
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let offset = 0;
      for (let index = run.first; index < run.first + run.count; index += 1) {
        const length = view.readUInt16BE(offset);
        if (index >= from && index < to) entries.push(view.subarray(offset + 2, offset + 2 + length));
        offset += 2 + length;
      }
    }
    if (entries.length !== to - from) {
      throw new EvidentError(
        "corrupt_store",
        `${pathOf.trail(trail.name)}: entries ${from} to ${to - 1} are in no segment, tail or WAL file`,
      );
    }
    return entries;
  }
}

function slice(
  entries: readonly Uint8Array[],
  first: number,
  from: number,
  to: number,
  name: string,
): readonly Uint8Array[] {
  const wanted = entries.slice(from - first, to - first);
  if (wanted.length !== to - from)
    throw new EvidentError("corrupt_store", `${name} holds ${entries.length} entries from ${first}, not up to ${to}`);
  return wanted;
}

function findSealed(files: readonly SealedFile[], index: number): SealedFile | undefined {
  let low = 0;
  let high = files.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const file = files[middle];
    if (file === undefined) return undefined;
    if (index < file.first) high = middle - 1;
    else if (index >= file.end) low = middle + 1;
    else return file;
  }
  return undefined;
}
