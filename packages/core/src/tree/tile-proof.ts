import { EvidentError } from "../errors/index.ts";
import { asHash, emptyRoot, HASH_BYTES, type Hash, hashNode } from "./hash.ts";
import { levelCount, TILE_WIDTH, tileBytes } from "./tile.ts";
import { type Frontier, foldRight } from "./tree-builder.ts";

/** Reads a hash tile: `width * 32` bytes. */
export type ReadTile = (level: number, n: number, width: number) => Promise<Uint8Array>;

const TILE_HEIGHT = 8;

/** Hashes of a tree's complete subtrees, read from its tiles; each tile is read once. */
class TileNodes {
  readonly #size: number;
  readonly #readTile: ReadTile;
  readonly #tiles = new Map<string, Promise<Uint8Array>>();

  constructor(size: number, readTile: ReadTile) {
    this.#size = size;
    this.#readTile = readTile;
  }

  /** Root of the complete subtree of 2^height leaves that begins at leaf `position * 2^height`. */
  async node(height: number, position: number): Promise<Hash> {
    const level = Math.floor(height / TILE_HEIGHT);
    const count = 2 ** (height % TILE_HEIGHT);
    const first = position * count;
    const n = Math.floor(first / TILE_WIDTH);
    const bytes = await this.#tile(level, n);
    const offset = first - n * TILE_WIDTH;
    let row: Hash[] = [];
    for (let i = offset; i < offset + count; i += 1) {
      row.push(asHash(bytes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES)));
    }
    while (row.length > 1) row = row.flatMap((left, i) => pair(left, row[i + 1], i));
    const [root] = row;
    return root ?? emptyRoot;
  }

  /** Root of the tree over leaves `[from, to)`, where `from` is a multiple of the largest power of two within. */
  async range(from: number, to: number): Promise<Hash> {
    return foldRight(await this.subtrees(from, to)) ?? emptyRoot;
  }

  /** Maximal complete subtrees of `[from, to)`, largest first. */
  async subtrees(from: number, to: number): Promise<Hash[]> {
    const roots: Hash[] = [];
    for (let at = from; at < to; ) {
      const height = floorLog2(to - at);
      roots.push(await this.node(height, at / 2 ** height));
      at += 2 ** height;
    }
    return roots;
  }

  #tile(level: number, n: number): Promise<Uint8Array> {
    const key = `${level}/${n}`;
    const known = this.#tiles.get(key);
    if (known !== undefined) return known;
    const read = this.#read(level, n);
    this.#tiles.set(key, read);
    return read;
  }

  async #read(level: number, n: number): Promise<Uint8Array> {
    const width = Math.min(TILE_WIDTH, levelCount(level, this.#size) - n * TILE_WIDTH);
    const bytes = await this.#readTile(level, n, width);
    if (bytes.length !== tileBytes(width)) {
      throw new EvidentError("bad_encoding", `tile ${level}/${n} has ${bytes.length} bytes, not ${tileBytes(width)}`);
    }
    return bytes;
  }
}

function pair(left: Hash, right: Hash | undefined, i: number): Hash[] {
  return i % 2 === 0 && right !== undefined ? [hashNode(left, right)] : [];
}

/** Exponent of the largest power of two that is not above `value`. */
export function floorLog2(value: number): number {
  let exponent = 0;
  while (2 ** (exponent + 1) <= value) exponent += 1;
  return exponent;
}

/** Largest power of two below `size`, which is at least 2 (RFC 6962 §2.1). */
export function splitPoint(size: number): number {
  return 2 ** floorLog2(size - 1);
}

function checkSizes(inner: number, size: number): void {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(inner) || inner < 0 || inner > size) {
    throw new EvidentError("not_found", `${inner} is not in a tree of ${size}`);
  }
}

/**
 * Inclusion path of an entry in the tree of `size` (RFC 6962 §2.1.1): siblings from the leaf upward. `size` up to 2^53 - 1.
 *
 * @throws EvidentError `not_found` when the index is not below the size, `bad_encoding` for a tile of a wrong length
 */
export async function inclusionPath(index: number, size: number, readTile: ReadTile): Promise<Hash[]> {
  checkSizes(index + 1, size);
  const nodes = new TileNodes(size, readTile);
  const path: Hash[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    const isLeft = index < middle;
    path.push(isLeft ? await nodes.range(middle, to) : await nodes.range(from, middle));
    if (isLeft) to = middle;
    else from = middle;
  }
  return path.reverse();
}

/**
 * Consistency path between the trees of two sizes (RFC 6962 §2.1.2); empty from 0 and between equal sizes.
 *
 * @throws EvidentError `not_found` when the old size is larger, `bad_encoding` for a tile of a wrong length
 */
export async function consistencyPath(oldSize: number, newSize: number, readTile: ReadTile): Promise<Hash[]> {
  checkSizes(oldSize, newSize);
  if (oldSize === 0 || oldSize === newSize) return [];
  const nodes = new TileNodes(newSize, readTile);
  const path: Hash[] = [];
  let [from, to] = [0, newSize];
  // The old tree's own root is left out while the walk has only gone left: the verifier has it.
  let isWholeOld = true;
  while (to > oldSize) {
    const middle = from + splitPoint(to - from);
    if (oldSize <= middle) {
      path.push(await nodes.range(middle, to));
      to = middle;
    } else {
      path.push(await nodes.range(from, middle));
      from = middle;
      isWholeOld = false;
    }
  }
  if (!isWholeOld) path.push(await nodes.range(from, to));
  return path.reverse();
}

/** Right edge of the tree of `size`, read from its tiles. @throws EvidentError `bad_encoding` for a tile of a wrong length */
export async function frontierFromTiles(size: number, readTile: ReadTile): Promise<Frontier> {
  checkSizes(0, size);
  return { size, hashes: await new TileNodes(size, readTile).subtrees(0, size) };
}

/** Root of the tree of `size`, read from its tiles. @throws EvidentError `bad_encoding` for a tile of a wrong length */
export async function rootFromTiles(size: number, readTile: ReadTile): Promise<Hash> {
  checkSizes(0, size);
  return new TileNodes(size, readTile).range(0, size);
}
