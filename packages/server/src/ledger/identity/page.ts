import { crc32 } from "node:zlib";
import { RECORD_WORDS } from "./record.ts";

/**
 * Run files are made of pages: content, then a trailer with a magic number, the run's number, the page's number and a CRC-32 of all that.
 * A page that was not written, is in the wrong place or has a changed bit is found when it is read.
 */
export const PAGE_BYTES = 4096;
const PAGE_WORDS = PAGE_BYTES / 4;
/** Units of 32 bytes in a page: records or filter blocks. */
export const PAGE_UNITS = 127;
export const CONTENT_BYTES = PAGE_UNITS * 32;
const TRAILER = PAGE_UNITS * RECORD_WORDS;
const MAGIC = 0x4449_5645;

/** Writes the trailer of the page at word `at`. */
export function sealPage(words: Uint32Array, at: number, run: number, page: number): void {
  words[at + TRAILER] = MAGIC;
  words[at + TRAILER + 1] = run;
  words[at + TRAILER + 2] = page;
  words.fill(0, at + TRAILER + 3, at + PAGE_WORDS - 1);
  words[at + PAGE_WORDS - 1] = checksum(words, at);
}

/** True when the page at word `at` is the one that was written there. */
export function isPage(words: Uint32Array, at: number, run: number, page: number): boolean {
  return (
    words[at + TRAILER] === MAGIC &&
    words[at + TRAILER + 1] === run &&
    words[at + TRAILER + 2] === page &&
    words[at + PAGE_WORDS - 1] === checksum(words, at)
  );
}

function checksum(words: Uint32Array, at: number): number {
  return crc32(new Uint8Array(words.buffer, words.byteOffset + at * 4, PAGE_BYTES - 4));
}

/** Pages that hold `count` units of 32 bytes. */
export function pagesFor(count: number): number {
  return Math.ceil(count / PAGE_UNITS);
}

/** Buffers whole pages of one section of a run file on their way to the disk. */
export class PageBuffer {
  #words: Uint32Array;
  /** Takes turns with `#words`, so that a page can be filled while the others are being written. */
  #other: Uint32Array;
  readonly #run: number;
  readonly #capacity: number;
  #page: number;
  #full = 0;
  #units = 0;

  /** @param firstPage number of the section's first page in the file */
  constructor(run: number, firstPage: number, capacityPages: number) {
    this.#words = new Uint32Array(capacityPages * PAGE_WORDS);
    this.#other = new Uint32Array(capacityPages * PAGE_WORDS);
    this.#run = run;
    this.#page = firstPage;
    this.#capacity = capacityPages;
  }

  get isFull(): boolean {
    return this.#full === this.#capacity;
  }

  /** True when the next unit is the first of a page. */
  get isAtPageStart(): boolean {
    return this.#units === 0;
  }

  /** Appends one unit. The buffer must not be full. */
  push(words: Uint32Array, at: number): void {
    const target = this.#full * PAGE_WORDS + this.#units * RECORD_WORDS;
    for (let i = 0; i < RECORD_WORDS; i += 1) this.#words[target + i] = words[at + i] ?? 0;
    this.#units += 1;
    if (this.#units === PAGE_UNITS) this.#sealLast();
  }

  /** Pads the last page with zeros. */
  finish(): void {
    if (this.#units > 0) this.#sealLast();
  }

  /** Whole pages and where in the file they belong; valid until the next `take`. */
  take(): { readonly offset: number; readonly bytes: Uint8Array } {
    const taken = this.#words;
    const bytes = new Uint8Array(taken.buffer, 0, this.#full * PAGE_BYTES);
    const offset = this.#page * PAGE_BYTES;
    const open = this.#full * PAGE_WORDS;
    this.#other.set(taken.subarray(open, open + this.#units * RECORD_WORDS));
    this.#words = this.#other;
    this.#other = taken;
    this.#page += this.#full;
    this.#full = 0;
    return { offset, bytes };
  }

  #sealLast(): void {
    const at = this.#full * PAGE_WORDS;
    this.#words.fill(0, at + this.#units * RECORD_WORDS, at + TRAILER);
    sealPage(this.#words, at, this.#run, this.#page + this.#full);
    this.#full += 1;
    this.#units = 0;
  }
}
