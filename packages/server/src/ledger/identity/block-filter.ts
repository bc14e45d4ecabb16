import { RECORD_WORDS } from "./record.ts";

/** 12 bits a key: about one false hit in 250 absent keys. */
const BITS_PER_KEY = 12;
const BLOCK_BITS = 256;
const TWO_32 = 0x1_0000_0000;

/**
 * A split block Bloom filter (as in Apache Parquet): a key sets one bit in each of the eight words of one block. Keys are keyed hashes,
 * so their own bits choose; the block rises with the key, so a sorted run's filter can be written from front to back.
 */
export function filterBlocks(keys: number): number {
  return Math.max(1, Math.ceil((keys * BITS_PER_KEY) / BLOCK_BITS));
}

/** Number of the block that holds a key. */
export function blockOf(firstWord: number, blocks: number): number {
  return Math.min(blocks - 1, Math.floor((firstWord * blocks) / TWO_32));
}

/** Sets a key's bits in the block at word `block`. */
export function setBits(words: Uint32Array, block: number, key: Uint32Array, at: number): void {
  let bits = key[at + 2] ?? 0;
  for (let i = 0; i < RECORD_WORDS; i += 1) {
    if (i === 6) bits = key[at + 3] ?? 0;
    words[block + i] = (words[block + i] ?? 0) | (1 << (bits & 31));
    bits >>>= 5;
  }
}

/** False when the key is certainly absent. */
export function hasBits(words: Uint32Array, block: number, key: Uint32Array, at: number): boolean {
  let bits = key[at + 2] ?? 0;
  for (let i = 0; i < RECORD_WORDS; i += 1) {
    if (i === 6) bits = key[at + 3] ?? 0;
    if ((((words[block + i] ?? 0) >>> (bits & 31)) & 1) === 0) return false;
    bits >>>= 5;
  }
  return true;
}
