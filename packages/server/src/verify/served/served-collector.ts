import {
  asHash,
  emptyRoot,
  foldRight,
  HASH_BYTES,
  type Hash,
  splitHashes,
  TILE_WIDTH,
  TreeBuilder,
} from "@evident/core";
import { tileWidth } from "../compare-tile.ts";
import type { BundleResult, BundleTask, FoundStatement, RunFacts, TileFault } from "../tasks.ts";
import { HashList } from "../trail-tree.ts";
import type { Fetched } from "./log-client.ts";
import { logPaths, objectLimits } from "./log-paths.ts";
import { mapInOrder } from "./map-in-order.ts";
import { Marks } from "./marks.ts";
import type { ServedContext } from "./served-context.ts";
import type { ServedTiles } from "./served-tiles.ts";

/** Bundles under way: each may hold up to 16 MiB, some 150 KB as a rule. */
const PARALLEL = 12;
/** A server that gives neither entries nor tiles so many times in a row has no more. */
const MOST_GONE = 64;

interface Fetch {
  readonly n: number;
  readonly width: number;
  readonly bundle: Fetched;
  readonly result: BundleResult;
}

/** Reads all entries of a pinned tree in order, with the level-0 tiles beside them, and builds the tree from the entries. */
export class ServedCollector {
  readonly bundles = new HashList();
  readonly tileFaults = new Map<number, TileFault>();
  readonly statements: FoundStatement[] = [];
  /** Bundles whose hashes come from the tile. */
  readonly fromTile = new Set<number>();
  /** Bundles that the server does not give, or that are none. */
  readonly missing = new Set<number>();
  /** Entries that were read. */
  found = 0;
  /** Entries that the key may not read. */
  denied = 0;
  /** Leaf hashes of the last, partial bundle. */
  lastLeaves = new Uint8Array();
  /** Root over all; undefined when hashes are missing. */
  root: Hash | undefined;
  /** The server has nothing from some point on: its tree cannot be built. */
  isCutOff = false;
  readonly marks: Marks;
  readonly #context: ServedContext;
  readonly #trail: string;
  readonly #size: number;
  readonly #tiles: ServedTiles;
  readonly #whole = new TreeBuilder();
  #isDenied = false;
  #gone = 0;
  #hole: { readonly first: number; readonly end: number; readonly why: string } | undefined;
  #received = "";

  /** @param marks sizes to know the root at */
  constructor(
    context: ServedContext,
    at: {
      readonly trail: string;
      readonly size: number;
      readonly tiles: ServedTiles;
      readonly marks: Iterable<number>;
    },
  ) {
    this.#context = context;
    this.#trail = at.trail;
    this.#size = at.size;
    this.#tiles = at.tiles;
    this.marks = new Marks(at.marks, at.size);
  }

  async run(): Promise<void> {
    const { onProgress } = this.#context;
    onProgress({ trail: this.#trail, done: 0, total: this.#size });
    for await (const fetch of mapInOrder(this.#numbers(), PARALLEL, (n) => this.#fetch(n))) {
      if (this.isCutOff) continue;
      this.#addFindings(fetch);
      await this.#addHashes(fetch);
      this.#noteGone(fetch);
      onProgress({ trail: this.#trail, done: Math.min(this.#size, (fetch.n + 1) * TILE_WIDTH), total: this.#size });
    }
    this.#reportHole();
    const isWhole = this.lastLeaves.length === (this.#size % TILE_WIDTH) * HASH_BYTES;
    if (!this.isCutOff && isWhole) this.root = this.#rootWith(openRoot(this.lastLeaves));
  }

  *#numbers(): Generator<number> {
    for (let n = 0; n * TILE_WIDTH < this.#size && !this.isCutOff; n += 1) yield n;
  }

  async #fetch(n: number): Promise<Fetch> {
    const { client, runner } = this.#context;
    const width = tileWidth(this.#size, n);
    const place = { level: 0, n, width };
    const path = logPaths(this.#trail).bundle(n, width);
    const [bundle, tile] = await Promise.all([
      this.#isDenied ? ({ kind: "denied" } as const) : client.fetch(path, objectLimits.bundle),
      width < TILE_WIDTH ? this.#tiles.read(place) : this.#tiles.fetch(place),
    ]);
    if (bundle.kind === "denied") this.#isDenied = true;
    const bytes = bundle.kind === "found" ? bundle.bytes : undefined;
    const marks = this.marks.within(n);
    const task: BundleTask = { kind: "bundle", trail: this.#trail, n, width, bundle: bytes, tile, marks };
    const result = await runner.run(task);
    // The bytes have been looked at: a result that waits for its turn must not hold them.
    return { n, width, result, bundle: bundle.kind === "found" ? { kind: "found", bytes: new Uint8Array() } : bundle };
  }

  #addFindings({ n, width, bundle, result }: Fetch): void {
    const { report } = this.#context;
    const trail = this.#trail;
    const first = n * TILE_WIDTH;
    const file = logPaths(trail).bundle(n, width);
    const { unreadable, tile } = result.bundle;
    if (bundle.kind === "denied") this.denied += width;
    if (bundle.kind === "absent") this.#noteHole(n, first + width, "the server gives no bundle of these entries");
    if (bundle.kind === "broken") this.#noteHole(n, first + width, bundle.why);
    if (unreadable !== undefined) {
      this.missing.add(n);
      report.add({ trail, index: first, end: first + width, kind: "malformed", file, detail: unreadable });
    }
    if (tile !== undefined) this.tileFaults.set(n, tile);
    if (!result.isRead) this.fromTile.add(n);
    else this.found += width;
    this.#addFacts(result.facts, file);
  }

  #addFacts(facts: RunFacts, file: string): void {
    const { report } = this.#context;
    const trail = this.#trail;
    const [first, last] = facts.received;
    if (first !== "" && first < this.#received) {
      const detail = `received at ${first}, after an entry received at ${this.#received}`;
      report.add({ trail, index: facts.first, kind: "reordered", file, detail });
    }
    if (last !== "") this.#received = last;
    for (const fault of facts.faults) report.add({ trail, file, ...fault });
    for (const statement of facts.statements) this.statements.push(statement);
  }

  async #addHashes({ n, width, result }: Fetch): Promise<void> {
    const { root, leaves } = result.bundle;
    for (const [i, mark] of this.marks.within(n).entries()) {
      const open = result.markRoots[i];
      if (open !== undefined) this.marks.set(n * TILE_WIDTH + mark, this.#rootWith(asHash(open)));
    }
    if (width < TILE_WIDTH) {
      this.lastLeaves = leaves?.slice() ?? new Uint8Array();
      return;
    }
    const hash = root === undefined ? await this.#hashAbove(n) : asHash(root);
    this.#whole.appendSubtree(hash, 8);
    this.bundles.push(hash);
    if (this.marks.has(this.#whole.size)) this.marks.set(this.#whole.size, this.#whole.root());
  }

  /** The hash of a bundle as the level above has it, for what comes after it; nothing gives the empty root, so it is never right. */
  async #hashAbove(n: number): Promise<Hash> {
    const above = Math.floor(n / TILE_WIDTH);
    const width = tileWidth(Math.floor(this.#size / TILE_WIDTH), above);
    const bytes = await this.#tiles.read({ level: 1, n: above, width });
    const at = (n % TILE_WIDTH) * HASH_BYTES;
    const hash = bytes?.slice(at, at + HASH_BYTES);
    return hash?.length === HASH_BYTES ? asHash(hash) : emptyRoot;
  }

  #rootWith(open: Hash | undefined): Hash {
    const { hashes } = this.#whole.frontier();
    return foldRight(open === undefined ? hashes : [...hashes, open]) ?? emptyRoot;
  }

  #noteGone({ n, result }: Fetch): void {
    const isGone = result.bundle.root === undefined && result.bundle.leaves === undefined;
    this.#gone = isGone ? this.#gone + 1 : 0;
    if (this.#gone < MOST_GONE) return;
    this.isCutOff = true;
    const first = (n + 1 - this.#gone) * TILE_WIDTH;
    const detail = "the server gives neither entries nor hash tiles from here on";
    this.#hole = { first: Math.min(first, this.#hole?.first ?? first), end: this.#size, why: detail };
  }

  #noteHole(n: number, end: number, why: string): void {
    this.missing.add(n);
    const first = n * TILE_WIDTH;
    if (this.#hole?.end === first && this.#hole.why === why) this.#hole = { ...this.#hole, end };
    else {
      this.#reportHole();
      this.#hole = { first, end, why };
    }
  }

  #reportHole(): void {
    if (this.#hole === undefined) return;
    const { first, end, why } = this.#hole;
    const n = Math.floor(first / TILE_WIDTH);
    const file = logPaths(this.#trail).bundle(n, tileWidth(this.#size, n));
    this.#context.report.add({ trail: this.#trail, index: first, end, kind: "missing", file, detail: why });
    this.#hole = undefined;
  }
}

function openRoot(leaves: Uint8Array): Hash | undefined {
  if (leaves.length === 0) return undefined;
  const builder = new TreeBuilder();
  for (const leaf of splitHashes(leaves)) builder.append(leaf);
  return builder.root();
}
