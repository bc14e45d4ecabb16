import {
  emptyFrontier,
  equalBytes,
  extendFrontier,
  frontierRoot,
  type Hash,
  hashLeaf,
  rootFromTiles,
  utf8,
} from "@evident/core";
import { describe, expect, it } from "vitest";
import { TrailTree } from "./trail-tree.ts";

const SIZES = [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 70_000];
const leaves: Hash[] = Array.from({ length: 70_000 }, (_, i) => hashLeaf(utf8(`entry ${i}`)));

/** Publishes at each of the sizes into a map of tiles, as the publisher does. */
function publishAt(sizes: readonly number[]) {
  const tree = new TrailTree();
  const tiles = new Map<string, Uint8Array>();
  const roots = new Map<number, Hash>();
  for (const size of sizes) {
    while (tree.size < size) {
      const leaf = leaves[tree.size];
      if (leaf !== undefined) tree.append(leaf);
    }
    const { full, partial } = tree.tilesAt(size);
    for (const { level, n, width, bytes } of [...full, ...partial]) tiles.set(`${level}/${n}/${width}`, bytes);
    roots.set(size, tree.root());
    tree.trim(size);
  }
  return { tree, tiles, roots };
}

describe("a trail's tree", () => {
  it("has the root of RFC 6962 at every size, and tiles from which that root follows", async () => {
    const { tiles, roots } = publishAt(SIZES);
    for (const size of SIZES) {
      const root = roots.get(size);
      expect(root).toEqual(frontierRoot(extendFrontier(emptyFrontier, leaves.slice(0, size))));
      const fromTiles = await rootFromTiles(size, async (level, n, width) => {
        const exact = tiles.get(`${level}/${n}/${width}`) ?? tiles.get(`${level}/${n}/256`)?.subarray(0, width * 32);
        if (exact === undefined) throw new Error(`no tile ${level}/${n}/${width}`);
        return exact;
      });
      expect(root !== undefined && equalBytes(root, fromTiles)).toBe(true);
    }
  });

  it("continues from its partial tiles as if it had never stopped", async () => {
    for (const size of SIZES) {
      const { tiles } = publishAt([size]);
      const again = await TrailTree.fromTiles(
        size,
        async (level, n, width) => tiles.get(`${level}/${n}/${width}`) ?? new Uint8Array(),
      );
      for (let i = size; i < Math.min(size + 600, leaves.length); i += 1) {
        const leaf = leaves[i];
        if (leaf !== undefined) again.append(leaf);
      }
      expect(again.root()).toEqual(frontierRoot(extendFrontier(emptyFrontier, leaves.slice(0, again.size))));
    }
  });
});
