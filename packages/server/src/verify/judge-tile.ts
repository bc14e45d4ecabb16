import { equalBytes, HASH_BYTES, TILE_WIDTH, type Tile, tileBytes } from "@evident/core";
import type { TileFault } from "./tasks.ts";
import type { WrongTile } from "./tree-evidence.ts";

/** Coordinates of the level-0 tile beside bundle `n` in a tree of `size`. */
export function leafTile(size: number, n: number): Tile {
  return { level: 0, n, width: Math.min(TILE_WIDTH, size - n * TILE_WIDTH) };
}

function missing(tile: Tile): WrongTile {
  return { tile, kind: "missing", detail: "the tile is not there" };
}

function wrongLength(tile: Tile, sizeBytes: number): WrongTile {
  const wantBytes = tileBytes(tile.width);
  const kind = sizeBytes < wantBytes ? "truncated" : "edited";
  return { tile, kind, detail: `the tile has ${sizeBytes} bytes, not ${wantBytes}` };
}

/** A level-0 tile that does not fit its entries, which are right. */
export function judgeLeafTile(size: number, n: number, fault: TileFault): WrongTile {
  const tile = leafTile(size, n);
  if (fault.state === "missing") return missing(tile);
  if (fault.state === "length") return wrongLength(tile, fault.sizeBytes);
  const { differingCount, differing } = fault;
  const detail = `${differingCount} of its hashes are not those of the tree, the first that of entry ${differing[0] ?? 0}`;
  return { tile, kind: fault.permuted ? "reordered" : "edited", detail };
}

/** What is wrong with a stored tile of level 1 or above, given its right bytes. */
export function judgeUpperTile(tile: Tile, stored: Uint8Array | undefined, right: Uint8Array): WrongTile | undefined {
  if (stored === undefined) return missing(tile);
  if (equalBytes(stored, right)) return undefined;
  if (stored.length !== right.length) return wrongLength(tile, stored.length);
  const at = stored.findIndex((byte, i) => byte !== right[i]);
  const first = (tile.n * TILE_WIDTH + Math.floor(at / HASH_BYTES)) * TILE_WIDTH ** tile.level;
  return { tile, kind: "edited", detail: `its hash over the entries from ${first} is not that of the tree` };
}
