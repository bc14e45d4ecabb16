import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBase64, utf8 } from "../encoding/index.ts";
import * as tree from "./index.ts";
import { type Hash, hashLeaf, hashNode } from "./index.ts";

/** RFC 6962 §2.1, word by word. */
function rootByDefinition(leaves: readonly Hash[]): Hash {
  const [only] = leaves;
  if (only === undefined) return tree.emptyRoot;
  if (leaves.length === 1) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hashNode(rootByDefinition(leaves.slice(0, split)), rootByDefinition(leaves.slice(split)));
}

const LARGEST = 3000;
const leaves = Array.from({ length: LARGEST }, (_, i) => hashLeaf(utf8(`entry ${i}`)));

/** All hashes per tile level of the tree over `leaves`. */
const levels: Hash[][] = [leaves];
for (let row = leaves; row.length >= 256; row = levels.at(-1) ?? []) {
  const next: Hash[] = [];
  for (let i = 0; i + 256 <= row.length; i += 256) next.push(rootByDefinition(row.slice(i, i + 256)));
  levels.push(next);
}

const roots: Hash[] = [tree.emptyRoot];
const builder = new tree.TreeBuilder();
for (const leaf of leaves) {
  builder.append(leaf);
  roots.push(builder.root());
}

function rootOf(size: number): Hash {
  const root = roots[size];
  if (root === undefined) throw new Error(`no root for ${size}`);
  return root;
}

function leafAt(index: number): Hash {
  const leaf = leaves[index];
  if (leaf === undefined) throw new Error(`no leaf ${index}`);
  return leaf;
}

const readTile: tree.ReadTile = async (level, n, width) => {
  const hashes = (levels[level] ?? []).slice(n * 256, n * 256 + width);
  return new Uint8Array(Buffer.concat(hashes));
};

function flipBit(bytes: Hash, bit: number): Hash {
  const copy = bytes.slice();
  copy[(bit >> 3) % 32] = (copy[(bit >> 3) % 32] ?? 0) ^ (1 << (bit & 7));
  return tree.asHash(copy);
}

const size = fc.integer({ min: 1, max: LARGEST });
const indexAndSize = size.chain((n) => fc.tuple(fc.integer({ min: 0, max: n - 1 }), fc.constant(n)));

describe("the tree", () => {
  it("has the empty root that RFC 6962 gives", () => {
    expect(toBase64(tree.emptyRoot)).toBe("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  });

  it("has at every size the root that the definition gives", () => {
    for (let n = 0; n <= 70; n += 1) expect(rootOf(n)).toEqual(rootByDefinition(leaves.slice(0, n)));
    fc.assert(
      fc.property(size, (n) => {
        expect(rootOf(n)).toEqual(rootByDefinition(leaves.slice(0, n)));
      }),
      { numRuns: 30 },
    );
  });

  it("continues from any right edge, by leaves or by complete subtrees", () => {
    fc.assert(
      fc.property(indexAndSize, ([from, to]) => {
        const edge = tree.extendFrontier(tree.emptyFrontier, leaves.slice(0, from));
        expect(tree.frontierRoot(edge)).toEqual(rootOf(from));
        expect(tree.frontierRoot(tree.extendFrontier(edge, leaves.slice(from, to)))).toEqual(rootOf(to));
        const bySubtrees = new tree.TreeBuilder();
        const whole = Math.floor(to / 256);
        for (const root of levels[1]?.slice(0, whole) ?? []) bySubtrees.appendSubtree(root, 8);
        for (const leaf of leaves.slice(whole * 256, to)) bySubtrees.append(leaf);
        expect(bySubtrees.root()).toEqual(rootOf(to));
        expect(bySubtrees.size).toBe(to);
      }),
      { numRuns: 30 },
    );
    expect(() => new tree.TreeBuilder({ size: 3, hashes: [tree.emptyRoot] })).toThrow("right edge");
    expect(() => new tree.TreeBuilder({ size: 1, hashes: [tree.emptyRoot] }).appendSubtree(tree.emptyRoot, 1)).toThrow(
      "cannot start at 1",
    );
  });

  it("covers any run of leaves with its maximal aligned subtrees", () => {
    fc.assert(
      fc.property(indexAndSize, ([from, to]) => {
        const builderFromRange = new tree.TreeBuilder(tree.extendFrontier(tree.emptyFrontier, leaves.slice(0, from)));
        let at = from;
        for (const root of tree.compactRange(from, leaves.slice(from, to))) {
          let height = 0;
          while (at % 2 ** (height + 1) === 0 && at + 2 ** (height + 1) <= to) height += 1;
          builderFromRange.appendSubtree(root, height);
          at += 2 ** height;
        }
        expect(at).toBe(to);
        expect(builderFromRange.root()).toEqual(rootOf(to));
      }),
      { numRuns: 30 },
    );
  });
});

describe("proofs from tiles", () => {
  it("give the root and the right edge of every size", async () => {
    await fc.assert(
      fc.asyncProperty(size, async (n) => {
        expect(await tree.rootFromTiles(n, readTile)).toEqual(rootOf(n));
        expect(tree.frontierRoot(await tree.frontierFromTiles(n, readTile))).toEqual(rootOf(n));
      }),
      { numRuns: 60 },
    );
    expect(await tree.rootFromTiles(0, readTile)).toEqual(tree.emptyRoot);
  });

  it("prove every entry of every small size, and every pair of small sizes", async () => {
    for (let n = 1; n <= 40; n += 1) {
      for (let i = 0; i < n; i += 1) {
        const path = await tree.inclusionPath(i, n, readTile);
        expect(tree.verifyInclusion(leafAt(i), BigInt(i), BigInt(n), path, rootOf(n))).toBe(true);
      }
      for (let old = 0; old <= n; old += 1) {
        const path = await tree.consistencyPath(old, n, readTile);
        expect(tree.verifyConsistency(BigInt(old), rootOf(old), BigInt(n), rootOf(n), path)).toBe(true);
      }
    }
  });

  it("prove inclusion, and no flipped bit, missing or added hash, other index or size passes", async () => {
    await fc.assert(
      fc.asyncProperty(indexAndSize, fc.nat(), fc.nat(), async ([index, n], bit, pick) => {
        const [i, s] = [BigInt(index), BigInt(n)];
        const path = await tree.inclusionPath(index, n, readTile);
        const [leaf, root] = [leafAt(index), rootOf(n)];
        expect(tree.verifyInclusion(leaf, i, s, path, root)).toBe(true);
        expect(tree.verifyInclusion(flipBit(leaf, bit), i, s, path, root)).toBe(false);
        expect(tree.verifyInclusion(leaf, i, s, path, flipBit(root, bit))).toBe(false);
        expect(tree.verifyInclusion(leaf, i, s, [...path, tree.emptyRoot], root)).toBe(false);
        expect(tree.verifyInclusion(leaf, i, i, path, root)).toBe(false);
        expect(tree.verifyInclusion(leaf, -1n, s, path, root)).toBe(false);
        for (const [at] of path.entries()) {
          const flipped = path.map((hash, k) => (k === at ? flipBit(hash, bit) : hash));
          expect(tree.verifyInclusion(leaf, i, s, flipped, root)).toBe(false);
          expect(tree.verifyInclusion(leaf, i, s, path.toSpliced(at, 1), root)).toBe(false);
        }
        const other = (index + 1 + (pick % n)) % n;
        expect(tree.verifyInclusion(leaf, BigInt(other), s, path, root)).toBe(other === index);
      }),
      { numRuns: 300 },
    );
  });

  it("prove consistency, and no flipped bit, missing or added hash passes", async () => {
    await fc.assert(
      fc.asyncProperty(indexAndSize, fc.nat(), async ([old, n], bit) => {
        const [o, s] = [BigInt(old), BigInt(n)];
        const path = await tree.consistencyPath(old, n, readTile);
        const [oldRoot, root] = [rootOf(old), rootOf(n)];
        expect(tree.verifyConsistency(o, oldRoot, s, root, path)).toBe(true);
        expect(tree.verifyConsistency(o, flipBit(oldRoot, bit), s, root, path)).toBe(false);
        // From size 0 every tree follows.
        expect(tree.verifyConsistency(o, oldRoot, s, flipBit(root, bit), path)).toBe(old === 0);
        expect(tree.verifyConsistency(o, oldRoot, s, root, [...path, tree.emptyRoot])).toBe(false);
        for (const [at] of path.entries()) {
          const flipped = path.map((hash, k) => (k === at ? flipBit(hash, bit) : hash));
          expect(tree.verifyConsistency(o, oldRoot, s, root, flipped)).toBe(false);
          expect(tree.verifyConsistency(o, oldRoot, s, root, path.toSpliced(at, 1))).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
    expect(tree.verifyConsistency(5n, rootOf(5), 4n, rootOf(4), [])).toBe(false);
    expect(tree.verifyConsistency(0n, rootOf(0), 0n, rootOf(1), [])).toBe(false);
  });

  it("refuse indexes beyond the tree and tiles of a wrong length", async () => {
    await expect(tree.inclusionPath(5, 5, readTile)).rejects.toMatchObject({ code: "not_found" });
    await expect(tree.consistencyPath(6, 5, readTile)).rejects.toMatchObject({ code: "not_found" });
    await expect(tree.rootFromTiles(5, async () => new Uint8Array(31))).rejects.toMatchObject({ code: "bad_encoding" });
  });
});

/**
 * A tree of any size in which every complete subtree of one height has the same root, so that proofs far beyond 2^53 can be made:
 * all leaves are equal.
 */
const uniform: Hash[] = [hashLeaf(utf8("same"))];
for (let height = 1; height < 64; height += 1) {
  const below = uniform[height - 1] ?? tree.emptyRoot;
  uniform.push(hashNode(below, below));
}

function uniformRoot(size: bigint): Hash {
  const heights = Array.from({ length: 64 }, (_, height) => height).filter(
    (height) => ((size >> BigInt(height)) & 1n) === 1n,
  );
  let root: Hash | undefined;
  for (const height of heights) {
    const subtree = uniform[height] ?? tree.emptyRoot;
    root = root === undefined ? subtree : hashNode(subtree, root);
  }
  return root ?? tree.emptyRoot;
}

function splitOf(size: bigint): bigint {
  return 1n << BigInt((size - 1n).toString(2).length - 1);
}

function uniformInclusion(index: bigint, size: bigint): Hash[] {
  if (size <= 1n) return [];
  const split = splitOf(size);
  return index < split
    ? [...uniformInclusion(index, split), uniformRoot(size - split)]
    : [...uniformInclusion(index - split, size - split), uniformRoot(split)];
}

function uniformConsistency(old: bigint, size: bigint, isWholeOld: boolean): Hash[] {
  if (old === size) return isWholeOld ? [] : [uniformRoot(size)];
  const split = splitOf(size);
  return old <= split
    ? [...uniformConsistency(old, split, isWholeOld), uniformRoot(size - split)]
    : [...uniformConsistency(old - split, size - split, false), uniformRoot(split)];
}

describe("proofs of sizes beyond 2^53", () => {
  const huge = fc.bigInt({ min: 1n, max: (1n << 63n) - 1n });
  const hugePair = huge.chain((n) => fc.tuple(fc.bigInt({ min: 0n, max: n - 1n }), fc.constant(n)));

  it("verify, and a path of another shape does not", () => {
    fc.assert(
      fc.property(hugePair, fc.nat(), ([index, n], bit) => {
        const leaf = uniform[0] ?? tree.emptyRoot;
        const root = uniformRoot(n);
        const path = uniformInclusion(index, n);
        expect(tree.verifyInclusion(leaf, index, n, path, root)).toBe(true);
        expect(tree.verifyInclusion(leaf, index, n, path.slice(1), root)).toBe(path.length === 0);
        expect(tree.verifyInclusion(leaf, index, n, path, flipBit(root, bit))).toBe(false);
        expect(tree.verifyInclusion(leaf, n, n, path, root)).toBe(false);
        if (index === 0n) return;
        const proof = uniformConsistency(index, n, true);
        expect(tree.verifyConsistency(index, uniformRoot(index), n, root, proof)).toBe(true);
        expect(tree.verifyConsistency(index, uniformRoot(index), n, flipBit(root, bit), proof)).toBe(false);
        expect(tree.verifyConsistency(index, uniformRoot(index), n, root, proof.slice(1))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it("builds right edges up to 2^53 - 1", () => {
    const size = Number.MAX_SAFE_INTEGER - 1;
    const hashes = uniform.slice(0, 53).reverse().slice(0, 52);
    const builder = new tree.TreeBuilder({ size, hashes });
    expect(builder.root()).toEqual(uniformRoot(BigInt(size)));
    builder.append(uniform[0] ?? tree.emptyRoot);
    expect(builder.size).toBe(Number.MAX_SAFE_INTEGER);
    expect(builder.root()).toEqual(uniformRoot(BigInt(Number.MAX_SAFE_INTEGER)));
  });
});
