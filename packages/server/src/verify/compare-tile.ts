import { asHash, HASH_BYTES, type Hash, splitHashes, TILE_WIDTH, TreeBuilder, tileBytes } from "@evident/core";
import type { TileFault } from "./tasks.ts";

const MAX_DIFFERING = 16;

/** Root over 256 concatenated hashes. */
export function rootOfHashes(hashes: Uint8Array): Hash {
  const builder = new TreeBuilder();
  for (const hash of splitHashes(hashes)) builder.append(hash);
  return builder.root();
}

/** Width of tile `n` of a level that holds `count` hashes: 256, less for a partial one, 0 for none. */
export function tileWidth(count: number, n: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, count - n * TILE_WIDTH));
}

/**
 * Compares the leaf hashes of a bundle with a level-0 tile. Entries that are not there are not compared.
 *
 * @param width what the tile must hold
 */
export function compareTile(
  n: number,
  leaves: Uint8Array,
  width: number,
  tile: Uint8Array | undefined,
): TileFault | undefined {
  const none = { differing: [], differingCount: 0, permuted: false };
  if (tile === undefined) return { state: "missing", sizeBytes: 0, ...none };
  if (tile.length !== tileBytes(width)) return { state: "length", sizeBytes: tile.length, ...none };
  const comparedBytes = Math.min(leaves.length, tile.length);
  if (Buffer.compare(leaves.subarray(0, comparedBytes), tile.subarray(0, comparedBytes)) === 0) return undefined;
  const differing: number[] = [];
  for (let at = 0; at < comparedBytes; at += HASH_BYTES) {
    if (Buffer.compare(leaves.subarray(at, at + HASH_BYTES), tile.subarray(at, at + HASH_BYTES)) !== 0) {
      differing.push(n * TILE_WIDTH + at / HASH_BYTES);
    }
  }
  return {
    state: "differs",
    sizeBytes: tile.length,
    ...(width === TILE_WIDTH ? { root: new Uint8Array(rootOfHashes(tile)) } : {}),
    differing: differing.slice(0, MAX_DIFFERING),
    differingCount: differing.length,
    permuted: isPermuted(leaves.subarray(0, comparedBytes), tile.subarray(0, comparedBytes)),
  };
}

function isPermuted(a: Uint8Array, b: Uint8Array): boolean {
  const sorted = (hashes: Uint8Array): string =>
    splitHashes(hashes)
      .map((hash) => asHash(hash).toHex())
      .sort()
      .join();
  return sorted(a) === sorted(b);
}
