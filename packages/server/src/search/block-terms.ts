import type { Bitmap } from "./bitmap.ts";
import type { HashPairs } from "./hash-pairs.ts";

/** Rows whose terms and grams are kept together: `[n * blockRows, (n + 1) * blockRows)`. */
export const blockRows = 2_048;

/** Adds what a position of a term stands for. */
export function addPosition(bitmap: Bitmap, position: number): void {
  const row = position >>> 1;
  if ((position & 1) === 0) bitmap.add(row);
  else bitmap.addRange(row - (row % blockRows), row - (row % blockRows) + blockRows);
}

/** No row: the slot is free. Above every position. */
const free = 0xffffffff;

/**
 * The distinct terms of one block of rows. A term of a single row keeps that row, any other stands for the whole
 * block: so rare terms are exact and frequent ones small. Positions are `row * 2`, with the lowest bit for a block.
 */
export class BlockTerms {
  private hashes = new Uint32Array(1 << 16);
  private positions = new Uint32Array(1 << 16).fill(free);
  private used = 0;

  add(hash: number, row: number): void {
    if (this.used * 2 > this.hashes.length) this.grow();
    const slot = this.slotOf(hash);
    const position = this.positions[slot];
    if (position === row * 2) return;
    if (position === free) {
      this.hashes[slot] = hash;
      this.positions[slot] = row * 2;
      this.used++;
    } else this.positions[slot] = (position ?? 0) | 1;
  }

  private slotOf(hash: number): number {
    const mask = this.hashes.length - 1;
    let slot = hash & mask;
    while (this.positions[slot] !== free && this.hashes[slot] !== hash) slot = (slot + 1) & mask;
    return slot;
  }

  /** Position of a term; undefined when the block does not hold it. A block's position names any of its rows. */
  find(hash: number): number | undefined {
    const position = this.positions[this.slotOf(hash)];
    return position === free ? undefined : position;
  }

  private grow(): void {
    const { hashes, positions } = this;
    this.hashes = new Uint32Array(hashes.length * 2);
    this.positions = new Uint32Array(positions.length * 2).fill(free);
    for (const [at, position] of positions.entries()) {
      if (position === free) continue;
      const slot = this.slotOf(hashes[at] ?? 0);
      this.hashes[slot] = hashes[at] ?? 0;
      this.positions[slot] = position;
    }
  }

  /** Moves the terms to the pairs; those of several rows with the block's first row, marked. */
  drain(blockStart: number, pairs: HashPairs): void {
    for (let slot = 0; slot < this.positions.length; slot++) {
      const position = this.positions[slot] ?? free;
      if (position === free) continue;
      pairs.add(this.hashes[slot] ?? 0, (position & 1) === 0 ? position : blockStart * 2 + 1);
    }
    this.positions.fill(free);
    this.used = 0;
  }
}
