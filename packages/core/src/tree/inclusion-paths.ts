import { asHash, HASH_BYTES, type Hash, hashNode } from "./hash.ts";
import { levelCount, TILE_WIDTH } from "./tile.ts";
import { floorLog2, type ReadTile, splitPoint } from "./tile-proof.ts";
import { foldRight } from "./tree-builder.ts";

const TILE_HEIGHT = 8;
/** Each takes about 50 KiB with what is computed from it; neighbours in time lie in few. */
const DEFAULT_TILES = 64;

/** All nodes within one tile: `rows[h][i]` is the root of `2^h` of its hashes, where they are complete. */
type TileRows = readonly (readonly Hash[])[];

function buildRows(bytes: Uint8Array): TileRows {
  const count = Math.floor(bytes.length / HASH_BYTES);
  let row = Array.from({ length: count }, (_, i) => asHash(bytes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES)));
  const rows = [row];
  for (let height = 1; height < TILE_HEIGHT; height += 1) {
    const below = row;
    row = [];
    for (let i = 0; i + 1 < below.length; i += 2) {
      const [left, right] = [below[i], below[i + 1]];
      if (left !== undefined && right !== undefined) row.push(hashNode(left, right));
    }
    rows.push(row);
  }
  return rows;
}

/**
 * Inclusion paths of many entries in one tree. What one path computes within a tile serves the next: neighbours cost a look-up each
 * instead of some hundred hashes. Memory is bounded by the number of tiles that are kept.
 */
export class InclusionPaths {
  readonly size: number;
  readonly #readTile: ReadTile;
  readonly #mostTiles: number;
  readonly #tiles = new Map<string, TileRows>();
  /** Roots of what is right of a split: no complete subtree, and the same few for every path. */
  readonly #ranges = new Map<string, Hash>();

  /** @param size leaves of the tree; @param readTile its tiles, as for `inclusionPath` */
  constructor(size: number, readTile: ReadTile, mostTiles = DEFAULT_TILES) {
    this.size = size;
    this.#readTile = readTile;
    this.#mostTiles = mostTiles;
  }

  /** Siblings from the leaf upward (RFC 6962 §2.1.1); `index` is below the size. */
  async path(index: number): Promise<Hash[]> {
    const path: Hash[] = [];
    let [from, to] = [0, this.size];
    while (to - from > 1) {
      const half = splitPoint(to - from);
      const middle = from + half;
      const isLeft = index < middle;
      path.push(isLeft ? await this.#range(middle, to) : await this.#node(floorLog2(half), from / half));
      if (isLeft) to = middle;
      else from = middle;
    }
    return path.reverse();
  }

  /** Root over `[from, to)`, which begins at a multiple of the largest power of two within. */
  async #range(from: number, to: number): Promise<Hash> {
    const height = floorLog2(to - from);
    if (2 ** height === to - from) return this.#node(height, from / 2 ** height);
    const key = `${from}-${to}`;
    const known = this.#ranges.get(key);
    if (known !== undefined) return known;
    const roots: Hash[] = [];
    for (let at = from; at < to; ) {
      const step = floorLog2(to - at);
      roots.push(await this.#node(step, at / 2 ** step));
      at += 2 ** step;
    }
    const root = foldRight(roots);
    if (root === undefined) throw new RangeError(`no leaves in ${key}`);
    this.#ranges.set(key, root);
    return root;
  }

  /** Root of the complete subtree of 2^height leaves that begins at leaf `position * 2^height`. */
  async #node(height: number, position: number): Promise<Hash> {
    const level = Math.floor(height / TILE_HEIGHT);
    const within = height % TILE_HEIGHT;
    const n = Math.floor((position * 2 ** within) / TILE_WIDTH);
    const rows = await this.#tile(level, n);
    const root = rows[within]?.[position - (n * TILE_WIDTH) / 2 ** within];
    if (root === undefined) throw new RangeError(`tile ${level}/${n} does not hold node ${height}/${position}`);
    return root;
  }

  async #tile(level: number, n: number): Promise<TileRows> {
    const key = `${level}/${n}`;
    const known = this.#tiles.get(key);
    if (known !== undefined) {
      this.#tiles.delete(key);
      this.#tiles.set(key, known);
      return known;
    }
    const width = Math.min(TILE_WIDTH, levelCount(level, this.size) - n * TILE_WIDTH);
    const rows = buildRows(await this.#readTile(level, n, width));
    this.#tiles.set(key, rows);
    for (const oldest of this.#tiles.keys()) {
      if (this.#tiles.size <= this.#mostTiles) break;
      this.#tiles.delete(oldest);
    }
    return rows;
  }
}
