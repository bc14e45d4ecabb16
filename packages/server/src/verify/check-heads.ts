import { equalBytes, HASH_BYTES, type Hash, rootFromTiles, TILE_WIDTH, type Tile } from "@evident/core";
import { tileWidth } from "./compare-tile.ts";
import type { RememberedHead, RememberedHeads } from "./remembered-heads.ts";
import type { Report } from "./report.ts";
import { statedHash } from "./stated-hash.ts";
import type { StatedHead } from "./trail-head.ts";
import type { Anchor } from "./types.ts";

/** A head that someone stated outside the trail, and that its tree must agree with. */
export interface HeadToCheck extends StatedHead {
  /** Who stated it, in words. */
  readonly by: string;
  /** File to name when the tree does not agree. */
  readonly file: string;
}

/** The head that was remembered for an origin, as one to check. */
export function rememberedHead(remembered: RememberedHeads | undefined, origin: string, file: string): HeadToCheck[] {
  const head = remembered?.get(origin);
  return head === undefined ? [] : [{ size: head.size, root: statedHash(head.root), by: "the remembered head", file }];
}

/** What a remembered head that the tree agreed with says: the head stands on it up to its size. */
export function anchorOf(remembered: RememberedHead | undefined): Anchor {
  return remembered === undefined ? { kind: "none", size: 0 } : { kind: "remembered", size: remembered.size };
}

/** A trail's tree as verified: its size, and its tiles when all of them are right. */
export interface VerifiedTree {
  readonly trail: string;
  readonly size: number;
  readonly root: Hash;
  /** Undefined when tiles are wrong: roots of smaller sizes cannot be told then. */
  readonly readTile: ((tile: Tile) => Uint8Array | undefined | Promise<Uint8Array | undefined>) | undefined;
  /** Roots of smaller sizes that were computed on the way. */
  readonly roots?: ReadonlyMap<number, Hash>;
}

/** Root of the tree at a smaller size, from its verified tiles. */
export function rootAt(tree: VerifiedTree, size: number): Promise<Hash> | Hash | undefined {
  const known = size === tree.size ? tree.root : tree.roots?.get(size);
  if (known !== undefined) return known;
  const { readTile } = tree;
  if (readTile === undefined) return undefined;
  return rootFromTiles(size, async (level, n, width) => {
    const count = Math.floor(tree.size / TILE_WIDTH ** level);
    const bytes = await readTile({ level, n, width: tileWidth(count, n) });
    return (bytes ?? new Uint8Array()).subarray(0, width * HASH_BYTES);
  });
}

/** Compares heads with the tree. A larger one than the tree's: rolled back. Another root: forked. */
export async function checkHeads(tree: VerifiedTree, heads: readonly HeadToCheck[], report: Report): Promise<void> {
  const { trail } = tree;
  const checked = new Map<number, Hash>();
  for (const head of heads) {
    const { size, by, file } = head;
    if (size > tree.size) {
      const detail = `the published head has size ${tree.size}, but ${by} is of size ${size}`;
      report.add({ trail, index: tree.size, end: size, kind: "rolled_back", file, detail });
      continue;
    }
    const root = checked.get(size) ?? (await rootAt(tree, size));
    if (root === undefined) {
      report.unchecked(`${trail}: roots of earlier sizes, since hash tiles are wrong`);
      continue;
    }
    checked.set(size, root);
    if (equalBytes(root, head.root)) continue;
    const detail = `at size ${size} the tree has another root than ${by}`;
    report.add({ trail, index: null, kind: "forked", file, detail });
  }
}
