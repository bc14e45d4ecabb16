import { compareKeys, isEmptyAt, RECORD_WORDS } from "./record.ts";

/** Places behind the last home, so that probing never wraps round and places stay in the order of homes. */
const OVERFLOW = 512;
const MAX_LOAD = 0.5;

/**
 * The newest identities: open addressing, linear probing. Keys are keyed hashes already, so a key's top bits are its home; with
 * that, the places are sorted but for the insides of clusters, and writing a sorted run needs no sort of the whole.
 */
export class MemoryTable {
  readonly #words: Uint32Array;
  readonly #shift: number;
  readonly #limit: number;
  #count = 0;
  #overflowed = false;

  /** @param bits the table has 2^bits homes, at most 2^22 */
  constructor(bits: number) {
    this.#words = new Uint32Array((2 ** bits + OVERFLOW) * RECORD_WORDS);
    this.#shift = 32 - bits;
    this.#limit = Math.floor(2 ** bits * MAX_LOAD);
  }

  get count(): number {
    return this.#count;
  }

  get memoryBytes(): number {
    return this.#words.byteLength;
  }

  /** The table's records: `find` and cursors give positions in it. */
  get words(): Uint32Array {
    return this.#words;
  }

  get isFull(): boolean {
    return this.#overflowed || this.#count >= this.#limit;
  }

  /** Position of the record with this key, or -1. */
  find(key: Uint32Array): number {
    const words = this.#words;
    const first = key[0] ?? 0;
    for (let at = this.#home(first); at < words.length && !isEmptyAt(words, at); at += RECORD_WORDS) {
      if (words[at] === first && compareKeys(words, at, key, 0) === 0) return at;
    }
    return -1;
  }

  /** Adds a record whose key is not there. False when there is no room: the caller goes on with another table. */
  add(record: Uint32Array): boolean {
    if (this.isFull) return false;
    const words = this.#words;
    let at = this.#home(record[0] ?? 0);
    while (at < words.length && !isEmptyAt(words, at)) at += RECORD_WORDS;
    if (at >= words.length) {
      this.#overflowed = true;
      return false;
    }
    words.set(record, at);
    this.#count += 1;
    return true;
  }

  #home(first: number): number {
    return (first >>> this.#shift) * RECORD_WORDS;
  }
}

/** Walks a table in the order of keys. It must not change meanwhile. */
export class TableCursor {
  readonly words: Uint32Array;
  at = -1;
  /** Sorted positions of the cluster at hand, last first. */
  #cluster: number[] = [];
  #next = 0;

  constructor(table: MemoryTable) {
    this.words = table.words;
    this.advance();
  }

  /** Moves to the next record; `at` is -1 behind the last. A table never has to wait for its disk. */
  advance(): boolean {
    if (this.#cluster.length === 0) this.#readCluster();
    this.at = this.#cluster.pop() ?? -1;
    return true;
  }

  fill(): Promise<void> {
    return Promise.resolve();
  }

  #readCluster(): void {
    const { words } = this;
    let at = this.#next;
    while (at < words.length && isEmptyAt(words, at)) at += RECORD_WORDS;
    for (; at < words.length && !isEmptyAt(words, at); at += RECORD_WORDS) this.#cluster.push(at);
    this.#next = at;
    this.#cluster.sort((a, b) => compareKeys(words, b, words, a));
  }
}
