import { fold } from "@evident/core";

/** Number of different grams: three of 36 letters and digits. */
export const gramCount = 36 ** 3;

// 0 for what is no ASCII letter or digit, else 1 to 36, folded.
const classOf = new Uint8Array(256);
for (const [at, char] of "0123456789abcdefghijklmnopqrstuvwxyz".split("").entries()) {
  classOf[char.charCodeAt(0)] = at + 1;
  classOf[char.toUpperCase().charCodeAt(0)] = at + 1;
}

/** Grams of a folded run of ASCII letters and digits; none for fewer than three. */
export function gramsOf(run: string): number[] {
  const grams: number[] = [];
  for (let at = 0; at + 3 <= run.length; at++) {
    let gram = 0;
    for (let next = at; next < at + 3; next++) gram = gram * 36 + (classOf[run.charCodeAt(next)] ?? 1) - 1;
    grams.push(gram);
  }
  return grams;
}

function addBytes(bytes: Uint8Array, seen: Uint8Array): boolean {
  let run = 0;
  let first = 0;
  let second = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    const kind = classOf[byte] ?? 0;
    if (kind === 0) {
      if (byte >= 128) return false;
      run = 0;
      continue;
    }
    if (run === 2) seen[first + second + kind - 1] = 1;
    else run++;
    first = second * 36;
    second = (kind - 1) * 36;
  }
  return true;
}

/** Marks the grams of raw lines. Where some text is not ASCII it is folded first: K (Kelvin) folds to k. */
export function addGrams(lines: Buffer, seen: Uint8Array): void {
  if (!addBytes(lines, seen)) addFoldedGrams(fold(lines.toString("utf8")), seen);
}

function addFoldedGrams(folded: string, seen: Uint8Array): void {
  for (const run of folded.match(/[0-9a-z]{3,}/g) ?? []) for (const gram of gramsOf(run)) seen[gram] = 1;
}

/**
 * For each gram the blocks of rows it occurs in, as bits: what a segment keeps to find text inside words.
 */
export class GramTable {
  private readonly bytesPerGram: number;
  private readonly bits: Uint8Array;

  constructor(blocks: number) {
    this.bytesPerGram = (blocks + 7) >>> 3;
    this.bits = new Uint8Array(gramCount * this.bytesPerGram);
  }

  /** Notes the grams seen in a block of rows and clears `seen`. */
  add(block: number, seen: Uint8Array): void {
    const bit = 1 << (block & 7);
    let at = block >>> 3;
    for (let gram = 0; gram < gramCount; gram++, at += this.bytesPerGram) {
      if (seen[gram] === 1) this.bits[at] = (this.bits[at] ?? 0) | bit;
    }
    seen.fill(0);
  }

  has(block: number, gram: number): boolean {
    return ((this.bits[gram * this.bytesPerGram + (block >>> 3)] ?? 0) & (1 << (block & 7))) !== 0;
  }

  /** Bits of `count` grams from `first` on, concatenated, each for the first `blocks` blocks. */
  slice(first: number, count: number, blocks: number): Uint8Array {
    const size = (blocks + 7) >>> 3;
    const bits = new Uint8Array(count * size);
    for (let at = 0; at < count; at++) {
      const from = (first + at) * this.bytesPerGram;
      bits.set(this.bits.subarray(from, from + size), at * size);
    }
    return bits;
  }
}
