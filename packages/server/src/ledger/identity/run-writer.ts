import { type OpenFile, writeFully } from "../storage/index.ts";
import { blockOf, filterBlocks, setBits } from "./block-filter.ts";
import { CONTENT_BYTES, PageBuffer, pagesFor } from "./page.ts";
import { prefixAt, RECORD_WORDS } from "./record.ts";

const BUFFER_PAGES = 32;
const PREFIXES_PER_PAGE = CONTENT_BYTES / 8;

/** What a manifest says of a run file: filter pages, then record pages, then pages of fences. */
export interface RunFacts {
  readonly number: number;
  readonly records: number;
  readonly filterBlocks: number;
}

/** Where the sections of a run file begin, in pages. */
export function sectionsOf({ records, filterBlocks: blocks }: RunFacts): {
  readonly records: number;
  readonly recordPages: number;
  readonly fences: number;
  readonly pages: number;
} {
  const first = pagesFor(blocks);
  const recordPages = pagesFor(records);
  const fences = first + recordPages;
  return { records: first, recordPages, fences, pages: fences + Math.ceil(recordPages / PREFIXES_PER_PAGE) };
}

/** Writes a run file from records in the order of their keys, without holding it in memory. */
export class RunWriter {
  readonly #file: OpenFile;
  readonly #number: number;
  readonly #blocks: number;
  readonly #filter: PageBuffer;
  readonly #data: PageBuffer;
  readonly #block = new Uint32Array(RECORD_WORDS);
  #blockNumber = 0;
  #fences: Float64Array;
  #pages = 0;
  #records = 0;

  /** @param mostRecords no more than these will be pushed; the filter is made for them */
  constructor(file: OpenFile, number: number, mostRecords: number) {
    this.#file = file;
    this.#number = number;
    this.#blocks = filterBlocks(mostRecords);
    this.#filter = new PageBuffer(number, 0, BUFFER_PAGES);
    this.#data = new PageBuffer(number, pagesFor(this.#blocks), BUFFER_PAGES);
    this.#fences = new Float64Array(pagesFor(mostRecords));
  }

  /** Takes the record at word `at`, or returns false: then `drain` and push it again. */
  push(words: Uint32Array, at: number): boolean {
    if (this.#data.isFull || !this.#openBlock(blockOf(words[at] ?? 0, this.#blocks))) return false;
    setBits(this.#block, 0, words, at);
    if (this.#data.isAtPageStart) {
      this.#fences[this.#pages] = prefixAt(words, at);
      this.#pages += 1;
    }
    this.#data.push(words, at);
    this.#records += 1;
    return true;
  }

  async drain(): Promise<void> {
    await this.#write(this.#data.take());
    await this.#write(this.#filter.take());
  }

  /** Writes what is left and makes the file durable. */
  async finish(): Promise<RunFacts> {
    while (!this.#openBlock(this.#blocks)) await this.drain();
    this.#filter.finish();
    this.#data.finish();
    await this.drain();
    const facts = { number: this.#number, records: this.#records, filterBlocks: this.#blocks };
    const fences = new PageBuffer(this.#number, sectionsOf(facts).fences, BUFFER_PAGES);
    const units = new Uint32Array(Math.ceil(this.#pages / 4) * RECORD_WORDS);
    new Float64Array(units.buffer).set(this.#fences.subarray(0, this.#pages));
    for (let at = 0; at < units.length; at += RECORD_WORDS) {
      if (fences.isFull) await this.#write(fences.take());
      fences.push(units, at);
    }
    // The last page may still be open, and then there is room for it.
    fences.finish();
    await this.#write(fences.take());
    await this.#file.fsync();
    return facts;
  }

  /** Ends the blocks before `block`; false when the buffer is full meanwhile. */
  #openBlock(block: number): boolean {
    while (this.#blockNumber < block) {
      if (this.#filter.isFull) return false;
      this.#filter.push(this.#block, 0);
      this.#block.fill(0);
      this.#blockNumber += 1;
    }
    return true;
  }

  async #write({ offset, bytes }: { readonly offset: number; readonly bytes: Uint8Array }): Promise<void> {
    if (bytes.length > 0) await writeFully(this.#file, bytes, offset);
  }
}
