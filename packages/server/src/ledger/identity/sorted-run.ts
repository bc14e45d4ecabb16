import { closeSync, openSync, readSync } from "node:fs";
import { EvidentError } from "@evident/core";
import { type FileSystem, type OpenFile, readFully } from "../storage/index.ts";
import { blockOf, hasBits } from "./block-filter.ts";
import { CONTENT_BYTES, isPage, PAGE_BYTES, PAGE_UNITS } from "./page.ts";
import { compareKeys, isEmptyAt, prefixAt, RECORD_WORDS } from "./record.ts";
import { type RunFacts, sectionsOf } from "./run-writer.ts";

const CHUNK_PAGES = 32;

function damaged(path: string, page: number): EvidentError {
  return new EvidentError("corrupt_store", `${path}: page ${page} is damaged`, {
    fix: "Start the server again: identities are an index, and it is rebuilt from the trails.",
  });
}

/** Reads whole pages of a section and returns their contents one after the other. */
async function readContents(
  file: OpenFile,
  run: { readonly path: string; readonly number: number },
  section: { readonly first: number; readonly end: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const contents = new Uint8Array((section.end - section.first) * CONTENT_BYTES);
  for (let page = section.first; page < section.end; page += CHUNK_PAGES) {
    const count = Math.min(CHUNK_PAGES, section.end - page);
    const bytes = await readFully(file, page * PAGE_BYTES, count * PAGE_BYTES, run.path);
    const words = new Uint32Array(bytes.buffer);
    for (let i = 0; i < count; i += 1) {
      if (!isPage(words, (i * PAGE_BYTES) / 4, run.number, page + i)) throw damaged(run.path, page + i);
      const from = i * PAGE_BYTES;
      contents.set(bytes.subarray(from, from + CONTENT_BYTES), (page + i - section.first) * CONTENT_BYTES);
    }
  }
  return contents;
}

/** An immutable file of sorted records. Fences are in memory; the filter is, or is read page by page. */
export class SortedRun {
  readonly facts: RunFacts;
  readonly path: string;
  readonly #fileSystem: FileSystem;
  readonly #descriptor: number;
  readonly #sections: ReturnType<typeof sectionsOf>;
  readonly #fences: Float64Array;
  readonly #pageBytes = new Uint8Array(PAGE_BYTES);
  readonly #page = new Uint32Array(this.#pageBytes.buffer);
  #filter: Uint32Array | undefined;

  private constructor(
    opened: { readonly fileSystem: FileSystem; readonly path: string; readonly facts: RunFacts },
    fences: Float64Array,
  ) {
    this.#fileSystem = opened.fileSystem;
    this.path = opened.path;
    this.facts = opened.facts;
    this.#sections = sectionsOf(opened.facts);
    this.#fences = fences;
    this.#descriptor = openSync(opened.path, "r");
  }

  /** @throws EvidentError `corrupt_store` when the length or the fences are not what was written */
  static async open(fileSystem: FileSystem, path: string, facts: RunFacts): Promise<SortedRun> {
    const { fences: first, pages, recordPages } = sectionsOf(facts);
    const file = await fileSystem.open(path, "read");
    try {
      if ((await file.sizeBytes()) !== pages * PAGE_BYTES) throw damaged(path, pages);
      const contents = await readContents(file, { path, number: facts.number }, { first, end: pages });
      return new SortedRun({ fileSystem, path, facts }, new Float64Array(contents.buffer, 0, recordPages));
    } finally {
      await file.close();
    }
  }

  /** Bytes of the filter when it is in memory. */
  get filterBytes(): number {
    return this.#sections.records * CONTENT_BYTES;
  }

  get hasFilter(): boolean {
    return this.#filter !== undefined;
  }

  get memoryBytes(): number {
    return this.#fences.byteLength + PAGE_BYTES + (this.#filter?.byteLength ?? 0);
  }

  async loadFilter(): Promise<void> {
    const file = await this.#fileSystem.open(this.path, "read");
    try {
      const section = { first: 0, end: this.#sections.records };
      const contents = await readContents(file, { path: this.path, number: this.facts.number }, section);
      this.#filter = new Uint32Array(contents.buffer);
    } finally {
      await file.close();
    }
  }

  /** From now on a look-up reads one page of the filter from the disk. */
  dropFilter(): void {
    this.#filter = undefined;
  }

  /**
   * Position of the record with this key in `page`, or -1. `page` is valid until the next call.
   * @throws EvidentError `corrupt_store`, `storage_failed`
   */
  find(key: Uint32Array): number {
    if (this.facts.records === 0 || !this.#mayHold(key)) return -1;
    const prefix = prefixAt(key, 0);
    // Keys with one prefix may lie on several pages: the last page that begins at or before it, then those before while they begin with it.
    for (let page = this.#lastPageFrom(prefix); page >= 0; page -= 1) {
      this.#readPage(this.#sections.records + page);
      const at = findInPage(this.#page, key);
      if (at >= 0) return at;
      if (this.#fences[page] !== prefix) return -1;
    }
    return -1;
  }

  get page(): Uint32Array {
    return this.#page;
  }

  async cursor(): Promise<RunCursor> {
    return new RunCursor(await this.#fileSystem.open(this.path, "read"), this.path, this.facts);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #mayHold(key: Uint32Array): boolean {
    const block = blockOf(key[0] ?? 0, this.facts.filterBlocks);
    if (this.#filter !== undefined) return hasBits(this.#filter, block * RECORD_WORDS, key, 0);
    this.#readPage(Math.floor(block / PAGE_UNITS));
    return hasBits(this.#page, (block % PAGE_UNITS) * RECORD_WORDS, key, 0);
  }

  #lastPageFrom(prefix: number): number {
    let low = -1;
    let high = this.#fences.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#fences[middle] ?? Infinity) <= prefix) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #readPage(page: number): void {
    let read = 0;
    while (read < PAGE_BYTES) {
      const count = readSync(this.#descriptor, this.#pageBytes, read, PAGE_BYTES - read, page * PAGE_BYTES + read);
      if (count === 0) throw damaged(this.path, page);
      read += count;
    }
    if (!isPage(this.#page, 0, this.facts.number, page)) throw damaged(this.path, page);
  }
}

function findInPage(page: Uint32Array, key: Uint32Array): number {
  let low = 0;
  let high = PAGE_UNITS - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = middle * RECORD_WORDS;
    const order = isEmptyAt(page, at) ? 1 : compareKeys(page, at, key, 0);
    if (order === 0) return at;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Walks a run in the order of keys, some pages at a time. */
export class RunCursor {
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #facts: RunFacts;
  readonly #end: number;
  #page: number;
  #left: number;
  #unit = 0;
  #units = 0;
  words: Uint32Array = new Uint32Array(0);
  at = -1;

  constructor(file: OpenFile, path: string, facts: RunFacts) {
    this.#file = file;
    this.#path = path;
    this.#facts = facts;
    const { records, fences } = sectionsOf(facts);
    this.#page = records;
    this.#end = fences;
    this.#left = facts.records;
  }

  /** Moves to the next record; `at` is -1 behind the last. False: `fill` first. */
  advance(): boolean {
    if (this.#left === 0) {
      this.at = -1;
      return true;
    }
    if (this.#unit === this.#units) return false;
    this.at = (Math.floor(this.#unit / PAGE_UNITS) * PAGE_BYTES) / 4 + (this.#unit % PAGE_UNITS) * RECORD_WORDS;
    this.#unit += 1;
    this.#left -= 1;
    return true;
  }

  /** Reads the next pages and moves to their first record. */
  async fill(): Promise<void> {
    const count = Math.min(CHUNK_PAGES, this.#end - this.#page);
    const bytes = await readFully(this.#file, this.#page * PAGE_BYTES, count * PAGE_BYTES, this.#path);
    this.words = new Uint32Array(bytes.buffer);
    for (let i = 0; i < count; i += 1) {
      const page = this.#page + i;
      if (!isPage(this.words, (i * PAGE_BYTES) / 4, this.#facts.number, page)) throw damaged(this.#path, page);
    }
    this.#page += count;
    this.#unit = 0;
    this.#units = count * PAGE_UNITS;
    this.advance();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
