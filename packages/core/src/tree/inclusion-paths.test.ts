import { integer, sample } from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../encoding/index.ts";
import { type Hash, hashLeaf, hashNode } from "./hash.ts";
import { InclusionPaths } from "./inclusion-paths.ts";
import { inclusionPath, type ReadTile } from "./tile-proof.ts";

const leaves = Array.from({ length: 70_000 }, (_, i) => hashLeaf(utf8(`leaf ${i}`)));

/** All levels of the tiles of a tree, as `tlog-tiles` lays them out. */
function levelsOf(size: number): readonly (readonly Hash[])[] {
  const levels: Hash[][] = [leaves.slice(0, size)];
  for (let below = levels[0] ?? []; below.length >= 256; below = levels.at(-1) ?? []) {
    const next: Hash[] = [];
    for (let first = 0; first + 256 <= below.length; first += 256) {
      let row = below.slice(first, first + 256);
      while (row.length > 1) row = row.flatMap((left, i) => (i % 2 === 0 ? [hashNode(left, row[i + 1] ?? left)] : []));
      next.push(...row);
    }
    levels.push(next);
  }
  return levels;
}

function tilesOf(size: number): { readonly read: ReadTile; readonly reads: () => number } {
  const levels = levelsOf(size);
  let reads = 0;
  return {
    reads: () => reads,
    read: (level, n, width) => {
      reads += 1;
      return Promise.resolve(concatBytes(...(levels[level]?.slice(n * 256, n * 256 + width) ?? [])));
    },
  };
}

describe("paths of many entries in one tree", () => {
  it("are those of the single entries, at every kind of edge", async () => {
    for (const size of [1, 2, 3, 255, 256, 257, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 70_000]) {
      const { read } = tilesOf(size);
      const paths = new InclusionPaths(size, read, 3);
      const picked = sample(integer({ min: 0, max: size - 1 }), { numRuns: 20, seed: size });
      for (const index of [0, size - 1, ...picked]) {
        expect(await paths.path(index)).toEqual(await inclusionPath(index, size, read));
      }
    }
  });

  it("read each tile once while they go along the log", async () => {
    const { read, reads } = tilesOf(70_000);
    const paths = new InclusionPaths(70_000, read);
    for (let index = 0; index < 70_000; index += 7) await paths.path(index);
    // 273 full tiles and one partial of leaves, one and a partial above, one above these.
    expect(reads()).toBeLessThan(300);
  });

  it("refuse a tile that is too short", async () => {
    const paths = new InclusionPaths(300, () => Promise.resolve(new Uint8Array(32)));
    await expect(paths.path(200)).rejects.toThrow(RangeError);
  });
});
