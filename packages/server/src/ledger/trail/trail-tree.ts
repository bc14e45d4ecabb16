import {
  compactRange,
  EvidentError,
  emptyRoot,
  foldRight,
  HASH_BYTES,
  type Hash,
  hashNode,
  levelCount,
  splitHashes,
  TILE_WIDTH,
} from "@evident/core";

/** The hashes of one tile level from a tile border on: hash `base + i` lies at `i * 32`. */
class LevelBuffer {
  base: number;
  count = 0;
  #bytes: Uint8Array;

  constructor(base: number) {
    this.base = base;
    this.#bytes = new Uint8Array(TILE_WIDTH * HASH_BYTES);
  }

  push(hash: Uint8Array): void {
    const at = this.count * HASH_BYTES;
    if (at === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(hash, at);
    this.count += 1;
  }

  get end(): number {
    return this.base + this.count;
  }

  slice(from: number, to: number): Uint8Array {
    return this.#bytes.slice((from - this.base) * HASH_BYTES, (to - this.base) * HASH_BYTES);
  }

  /** Forgets the hashes before `base`, a tile border that is durable. */
  trim(base: number): void {
    if (base <= this.base) return;
    const kept = this.slice(base, this.end);
    this.#bytes = new Uint8Array(Math.max(TILE_WIDTH * HASH_BYTES, kept.length));
    this.#bytes.set(kept);
    this.count -= base - this.base;
    this.base = base;
  }
}

/** A tile to be written: its coordinates and `width * 32` bytes. */
export interface TileBytes {
  readonly level: number;
  readonly n: number;
  readonly width: number;
  readonly bytes: Uint8Array;
}

/**
 * The growing tree of one trail (RFC 6962): its right edge, and per tile level (C2SP tlog-tiles) the hashes that are not in a durable
 * full tile yet. One node hash per appended leaf on average.
 */
export class TrailTree {
  size = 0;
  /** Complete subtrees of the right edge, largest first. */
  readonly #stack: Hash[] = [];
  readonly #levels: LevelBuffer[] = [];

  /** Continues a tree from the partial tiles of its published size. `partial(level)` has `(count mod 256) * 32` bytes. */
  static async fromTiles(
    size: number,
    partial: (level: number, n: number, width: number) => Promise<Uint8Array>,
  ): Promise<TrailTree> {
    const tree = new TrailTree();
    tree.size = size;
    for (let level = 0; levelCount(level, size) > 0; level += 1) {
      const count = levelCount(level, size);
      const width = count % TILE_WIDTH;
      const buffer = new LevelBuffer(count - width);
      const bytes = width === 0 ? new Uint8Array(0) : await partial(level, (count - width) / TILE_WIDTH, width);
      if (bytes.length !== width * HASH_BYTES) {
        throw new EvidentError(
          "corrupt_store",
          `tile level ${level}: the partial tile has ${bytes.length} bytes, not ${width * HASH_BYTES}`,
        );
      }
      const hashes = splitHashes(bytes);
      for (const hash of hashes) buffer.push(hash);
      tree.#levels.push(buffer);
      tree.#stack.unshift(...compactRange(0, hashes));
    }
    return tree;
  }

  append(leaf: Hash): void {
    let hash = leaf;
    let height = 0;
    this.#level(0).push(leaf);
    for (let rest = this.size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#stack.pop();
      if (left === undefined) throw new EvidentError("internal", "the tree's right edge is shorter than its size says");
      hash = hashNode(left, hash);
      height += 1;
      if (height % 8 === 0) this.#level(height / 8).push(hash);
    }
    this.#stack.push(hash);
    this.size += 1;
  }

  root(): Hash {
    return foldRight(this.#stack) ?? emptyRoot;
  }

  /** Tiles that a tree of `size` (at most ours) has beyond the durable full ones. */
  tilesAt(size: number): { readonly full: readonly TileBytes[]; readonly partial: readonly TileBytes[] } {
    const full: TileBytes[] = [];
    const partial: TileBytes[] = [];
    for (const [level, buffer] of this.#levels.entries()) {
      const count = levelCount(level, size);
      let from = buffer.base;
      for (; from + TILE_WIDTH <= count; from += TILE_WIDTH) {
        full.push({ level, n: from / TILE_WIDTH, width: TILE_WIDTH, bytes: buffer.slice(from, from + TILE_WIDTH) });
      }
      if (count > from)
        partial.push({ level, n: from / TILE_WIDTH, width: count - from, bytes: buffer.slice(from, count) });
    }
    return { full, partial };
  }

  /** Hashes `[n * 256, n * 256 + width)` of a level when they are still in memory. */
  inMemory(level: number, n: number, width: number): Uint8Array | undefined {
    const buffer = this.#levels[level];
    const from = n * TILE_WIDTH;
    if (buffer === undefined || from < buffer.base || from + width > buffer.end) return undefined;
    return buffer.slice(from, from + width);
  }

  /** The full tiles of a tree of `size` are durable: forget their hashes. */
  trim(size: number): void {
    for (const [level, buffer] of this.#levels.entries()) {
      const count = levelCount(level, size);
      buffer.trim(count - (count % TILE_WIDTH));
    }
  }

  #level(level: number): LevelBuffer {
    let buffer = this.#levels[level];
    if (buffer === undefined) {
      buffer = new LevelBuffer(0);
      this.#levels[level] = buffer;
    }
    return buffer;
  }
}
