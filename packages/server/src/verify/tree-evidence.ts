import type { Hash, Tile } from "@evident/core";
import type { TileFault } from "./tasks.ts";
import type { HashList } from "./trail-tree.ts";

/** Reads a hash tile; undefined when it is not there. The length may be wrong. */
export type ReadAnyTile = (tile: Tile) => Promise<Uint8Array | undefined>;

/** A trail's tree as its entries give it, and where the level-0 tiles differ from it. */
export interface TreeEvidence {
  readonly size: number;
  /** The signed root; undefined when no valid checkpoint is there, then the entries' own root stands in. */
  readonly signedRoot: Hash | undefined;
  /** Root over the entries at `size`; undefined when they do not reach so far. */
  readonly entriesRoot: Hash | undefined;
  /** Roots of the whole bundles that the entries give, at most size / 256 of them. */
  readonly bundles: HashList;
  /** Leaf hashes of the last, partial bundle, at most size mod 256 of them. */
  readonly lastLeaves: Uint8Array;
  readonly tileFaults: ReadonlyMap<number, TileFault>;
  readonly readTile: ReadAnyTile;
}

/** Entries that are not those of the signed tree. */
export interface WrongEntries {
  readonly first: number;
  readonly end: number;
  readonly kind: "edited" | "reordered";
  readonly detail: string;
}

/** A tile that is not that of the signed tree. */
export interface WrongTile {
  readonly tile: Tile;
  readonly kind: "missing" | "truncated" | "edited" | "reordered";
  readonly detail: string;
}

export interface Resolution {
  /** `signed`: the tree was found under the signed root. `unexplained`: neither entries nor tiles give it. */
  readonly kind: "signed" | "unsigned" | "unexplained";
  readonly entries: readonly WrongEntries[];
  readonly tiles: readonly WrongTile[];
}
