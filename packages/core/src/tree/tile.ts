import { EvidentError } from "../errors/index.ts";
import { HASH_BYTES } from "./hash.ts";

/** Hashes of a full tile, entries of a full bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;

const MAX_LEVEL = 63;

/** Coordinates of a hash tile: `width` is 256 for a full one, else 1 to 255. */
export interface Tile {
  readonly level: number;
  readonly n: number;
  readonly width: number;
}

/** What a tile path names. */
export type TilePath =
  | ({ readonly kind: "tile" } & Tile)
  | { readonly kind: "entries"; readonly n: number; readonly width: number };

function encodeNumber(n: number): string {
  let text = String(n % 1000).padStart(3, "0");
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    text = `x${String(rest % 1000).padStart(3, "0")}/${text}`;
  }
  return text;
}

function checkTile(n: number, width: number): void {
  if (!Number.isSafeInteger(n) || n < 0 || !Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new EvidentError("bad_encoding", `no tile has number ${n} and width ${width}`);
  }
}

/**
 * Path of a hash tile below a log's prefix, such as `tile/0/x001/x234/067` or `tile/1/000.p/112`.
 *
 * @throws EvidentError `bad_encoding` for coordinates that no tile has
 */
export function tilePath(level: number, n: number, width: number): string {
  checkTile(n, width);
  if (!Number.isInteger(level) || level < 0 || level > MAX_LEVEL) {
    throw new EvidentError("bad_encoding", `no tile has level ${level}`);
  }
  return `tile/${level}/${encodeNumber(n)}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** Path of an entry bundle below a log's prefix, such as `tile/entries/x001/002`. @throws EvidentError `bad_encoding` */
export function bundlePath(n: number, width: number): string {
  checkTile(n, width);
  return `tile/entries/${encodeNumber(n)}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

const pathShape = /^tile\/(?<level>\d{1,2}|entries)\/(?<n>(?:x\d{3}\/){0,5}\d{3})(?:\.p\/(?<width>\d{1,3}))?$/;

/** What a path names, or undefined when it is not exactly the path of a tile or bundle. */
export function parseTilePath(path: string): TilePath | undefined {
  if (path.length > 100) return undefined;
  const groups = pathShape.exec(path)?.groups;
  if (groups === undefined) return undefined;
  const n = Number((groups.n ?? "").replaceAll(/[x/]/g, ""));
  const width = groups.width === undefined ? TILE_WIDTH : Number(groups.width);
  if (!Number.isSafeInteger(n) || width < 1 || width > TILE_WIDTH) return undefined;
  if (groups.level === "entries") {
    return bundlePath(n, width) === path ? { kind: "entries", n, width } : undefined;
  }
  const level = Number(groups.level);
  return level <= MAX_LEVEL && tilePath(level, n, width) === path ? { kind: "tile", level, n, width } : undefined;
}

/** Number of hashes that a tile level holds in a tree of `size`: one per complete subtree of 256^level leaves. */
export function levelCount(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** Number of full tiles of a level in a tree of `size`. */
export function fullTileCount(level: number, size: number): number {
  return Math.floor(levelCount(level, size) / TILE_WIDTH);
}

/** The partial tiles of a tree of `size`, one at most per level, lowest first. */
export function partialTiles(size: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; levelCount(level, size) > 0; level += 1) {
    const width = levelCount(level, size) % TILE_WIDTH;
    if (width > 0) tiles.push({ level, n: fullTileCount(level, size), width });
  }
  return tiles;
}

/** Bytes of a tile of this width. */
export function tileBytes(width: number): number {
  return width * HASH_BYTES;
}
