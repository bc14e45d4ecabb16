import { equalBytes, fullTileCount, HASH_BYTES, TILE_WIDTH } from "@evident/core";
import { compareTile, rootOfHashes } from "./compare-tile.ts";
import { judgeLeafTile, judgeUpperTile } from "./judge-tile.ts";
import type { TileFault } from "./tasks.ts";
import type { Edges, Level } from "./tile-levels.ts";
import type { Resolution, TreeEvidence, WrongEntries, WrongTile } from "./tree-evidence.ts";

/**
 * Walks down from the hashes that give the signed root: a tile whose root is its parent's hash is right; where it is not, the hashes
 * that the entries give are tried; what neither explains stays unknown.
 */
export class Descent {
  readonly #evidence: TreeEvidence;
  readonly #levels: readonly Level[];
  readonly #edges: Edges;
  readonly #entries: WrongEntries[] = [];
  readonly #tiles: WrongTile[] = [];
  /** Right bytes of the full tiles per level, where they are known. */
  readonly #right = new Map<number, (Uint8Array | undefined)[]>();

  constructor(evidence: TreeEvidence, levels: readonly Level[], edges: Edges) {
    this.#evidence = evidence;
    this.#levels = levels;
    this.#edges = edges;
  }

  run(): Resolution {
    for (const level of this.#levels.toReversed()) this.#judgeLevel(level);
    this.#judgeBundles();
    this.#judgeLastBundle();
    const kind = this.#evidence.signedRoot === undefined ? "unsigned" : "signed";
    return { kind, entries: this.#entries, tiles: this.#tiles };
  }

  /** The hash of full tile `n` of a level, as the level above has it; undefined when that is unknown itself. */
  #parent(level: number, n: number): Uint8Array | undefined {
    const tile = Math.floor(n / TILE_WIDTH);
    const isFull = tile < fullTileCount(level + 1, this.#evidence.size);
    const hashes = isFull ? this.#right.get(level + 1)?.[tile] : this.#edges[level + 1];
    const at = (n % TILE_WIDTH) * HASH_BYTES;
    return hashes?.slice(at, at + HASH_BYTES);
  }

  #judgeLevel({ level, count, stored, computed }: Level): void {
    const right: (Uint8Array | undefined)[] = [];
    this.#right.set(level, right);
    for (const [n, tile] of stored.entries()) {
      const width = Math.min(TILE_WIDTH, count - n * TILE_WIDTH);
      const known =
        width < TILE_WIDTH
          ? this.#edges[level]
          : this.#findFull(level, n, tile, computed?.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH));
      if (width === TILE_WIDTH) right.push(known);
      const wrong =
        known === undefined
          ? this.#wrongWithoutTruth(level, n, tile)
          : judgeUpperTile({ level, n, width }, tile, known);
      if (wrong !== undefined) this.#tiles.push(wrong);
    }
  }

  #findFull(
    level: number,
    n: number,
    stored: Uint8Array | undefined,
    computed: Uint8Array | undefined,
  ): Uint8Array | undefined {
    const parent = this.#parent(level, n);
    if (parent === undefined) return undefined;
    return [stored, computed].find(
      (bytes) => bytes?.length === TILE_WIDTH * HASH_BYTES && equalBytes(rootOfHashes(bytes), parent),
    );
  }

  #wrongWithoutTruth(level: number, n: number, stored: Uint8Array | undefined): WrongTile | undefined {
    const tile = { level, n, width: TILE_WIDTH };
    if (stored === undefined) return { tile, kind: "missing", detail: "the tile is not there" };
    if (this.#parent(level, n) === undefined) return undefined;
    return { tile, kind: "edited", detail: "its hashes do not give the hash that the level above has" };
  }

  #judgeBundles(): void {
    const { bundles, tileFaults, size } = this.#evidence;
    for (let n = 0; (n + 1) * TILE_WIDTH <= size; n += 1) {
      const fault = tileFaults.get(n);
      const parent = this.#parent(0, n);
      const own = n < bundles.count ? bundles.at(n) : undefined;
      if (parent === undefined) {
        if (fault !== undefined) this.#ambiguous(n, fault);
      } else if (own !== undefined && equalBytes(own, parent)) {
        if (fault !== undefined) this.#tiles.push(judgeLeafTile(size, n, fault));
      } else if (own !== undefined) {
        this.#wrongBundle(n, fault, fault?.root !== undefined && equalBytes(fault.root, parent));
      } else if (fault !== undefined && (fault.root === undefined || !equalBytes(fault.root, parent))) {
        this.#tiles.push(judgeLeafTile(size, n, fault));
      }
    }
  }

  #wrongBundle(n: number, fault: TileFault | undefined, tileIsRight: boolean): void {
    if (fault !== undefined && tileIsRight) {
      this.#entries.push(...describeDiffering(n, fault));
      return;
    }
    if (fault !== undefined) this.#tiles.push(judgeLeafTile(this.#evidence.size, n, fault));
    this.#entries.push({
      first: n * TILE_WIDTH,
      end: (n + 1) * TILE_WIDTH,
      kind: "edited",
      detail:
        "at least one of these entries is not that of the signed tree; without a right tile it cannot be told which",
    });
  }

  #ambiguous(n: number, fault: TileFault): void {
    this.#tiles.push(judgeLeafTile(this.#evidence.size, n, fault));
    for (const found of describeDiffering(n, fault)) {
      this.#entries.push({
        ...found,
        detail: "the entry and its hash in the tile differ; which one is wrong cannot be told",
      });
    }
  }

  #judgeLastBundle(): void {
    const { size, lastLeaves, tileFaults } = this.#evidence;
    const right = this.#edges[0] ?? new Uint8Array();
    const n = Math.floor(size / TILE_WIDTH);
    const width = size % TILE_WIDTH;
    if (width === 0) return;
    const difference = compareTile(n, lastLeaves, width, right);
    if (difference !== undefined) this.#entries.push(...describeDiffering(n, difference));
    // Either side may be right: the tile is wrong only when the entries' hashes were needed to give the root.
    const fault = tileFaults.get(n);
    if (fault !== undefined && (fault.state !== "differs" || difference === undefined)) {
      this.#tiles.push(judgeLeafTile(size, n, fault));
    }
  }
}

/** The entries of a bundle that differ from a tile, as ranges; a long list of single ones becomes its first and the whole span. */
export function describeDiffering(n: number, fault: TileFault): WrongEntries[] {
  const kind = fault.permuted ? "reordered" : "edited";
  const detail = fault.permuted
    ? "the entries are those of the signed tree in another order"
    : "the entry is not the one in the signed tree";
  const [first] = fault.differing;
  if (first === undefined) return [];
  if (fault.differingCount > fault.differing.length) {
    const end = (n + 1) * TILE_WIDTH;
    return [{ first, end, kind, detail: `${fault.differingCount} of these entries are not those of the signed tree` }];
  }
  const ranges: WrongEntries[] = [];
  for (const index of fault.differing) {
    const last = ranges.at(-1);
    if (last !== undefined && last.end === index) ranges[ranges.length - 1] = { ...last, end: index + 1 };
    else ranges.push({ first: index, end: index + 1, kind, detail });
  }
  return ranges;
}
