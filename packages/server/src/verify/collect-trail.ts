import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  asHash,
  equalBytes,
  HASH_BYTES,
  type Hash,
  splitHashes,
  TILE_WIDTH,
  type Tile,
  tileBytes,
  tilePath,
} from "@evident/core";
import { compareTile, rootOfHashes, tileWidth } from "./compare-tile.ts";
import type { Report } from "./report.ts";
import { cutSealedFile, readSeekTable, type SealedPlan } from "./sealed-file.ts";
import type { BundleFacts, FoundStatement, RunFacts, TileFault } from "./tasks.ts";
import type { StatedHead } from "./trail-head.ts";
import { TrailTree } from "./trail-tree.ts";
import { runEnd, type WalRun, type WalTrail } from "./wal-runs.ts";
import { inOrder, type TaskRunner } from "./worker-pool.ts";

const MAX_DOUBTFUL = 256;

/** Where a trail's entries are to be read, and what its tree is measured against. */
export interface CollectOptions {
  readonly dataDir: string;
  readonly trail: string;
  /** Sealed files in order, without gaps, from 0. */
  readonly sealed: readonly SealedPlan[];
  /** Published size. */
  readonly treeSize: number;
  readonly runner: TaskRunner;
  readonly report: Report;
  readonly onEntries: (done: number) => void;
}

interface Source {
  readonly first: number;
  readonly end: number;
  readonly file: string;
}

/** Reads all entries of a trail in order and builds their tree; what is missing is filled from the level-0 tiles and reported. */
export class TrailCollector {
  readonly tree = new TrailTree();
  readonly tileFaults = new Map<number, TileFault>();
  readonly statements: FoundStatement[] = [];
  readonly blobIds: Uint8Array[] = [];
  readonly pendingBlobs: string[] = [];
  /** Roots in records of the log that the entries up to there do not give; a wrong entry before spoils all after it. */
  readonly doubtfulMarks: (StatedHead & { readonly file: string })[] = [];
  /** Entries that were read, not filled in. */
  found = 0;
  /** Root over the published entries, once the tree has reached them. */
  headRoot: Hash | undefined;
  /** Leaf hashes of the last, partial bundle of the published tree. */
  headLeaves = new Uint8Array();
  readonly #options: CollectOptions;
  readonly #sources: Source[] = [];
  #received = "";
  #isBroken = false;

  constructor(options: CollectOptions) {
    this.#options = options;
    this.#noteHead();
  }

  /** Reads the sealed files. A last one that is no sealed file is left to the log, which may still hold its entries. */
  async collectSealed(): Promise<void> {
    const { sealed } = this.#options;
    for (const [i, plan] of sealed.entries()) await this.#addSealed(plan, i === sealed.length - 1);
  }

  /**
   * Goes on with the log.
   *
   * @param walFile the file to name for entries that should be in the log
   */
  collectLog(wal: WalTrail, walFile: string): void {
    const sealedEnd = this.tree.size;
    for (const run of wal.runs) this.#addRun(run, walFile);
    this.#compareOpenBundle();
    this.#addWalFacts(wal, sealedEnd);
  }

  /** The file that holds an entry, as far as it was found. */
  fileOf(index: number): string | undefined {
    return this.#sources.find(({ first, end }) => index >= first && index < end)?.file;
  }

  /** The file that should hold the next entry: a sealed one that was not readable, or the log. */
  expectedFile(walFile: string): string {
    const next = this.tree.size;
    return this.#options.sealed.find(({ first, end }) => next >= first && next < end)?.path ?? walFile;
  }

  /** A hash tile as it is stored, whatever its length. */
  readTile(tile: Tile): Uint8Array | undefined {
    const { dataDir, trail } = this.#options;
    try {
      return readFileSync(join(dataDir, "trails", trail, tilePath(tile.level, tile.n, tile.width)));
    } catch {
      return undefined;
    }
  }

  async #addSealed(plan: SealedPlan, isLast: boolean): Promise<void> {
    const { dataDir, trail, treeSize, runner, report } = this.#options;
    if (this.#isBroken) return;
    const table = await readSeekTable(dataDir, plan.path);
    const bundles = Math.ceil((plan.end - plan.first) / TILE_WIDTH);
    const isOdd = typeof table !== "string" && table.frames.length !== bundles;
    if (typeof table === "string" || isOdd) {
      const detail = typeof table === "string" ? table : `the file has ${table.frames.length} frames, not ${bundles}`;
      report.add({ trail, index: plan.first, end: plan.end, kind: "malformed", file: plan.path, detail });
      if (!isLast) this.#fill(plan.end, undefined);
      return;
    }
    this.#sources.push({ first: plan.first, end: plan.end, file: plan.path });
    for await (const { result } of inOrder(runner, cutSealedFile(plan, table, { dataDir, trail, treeSize }))) {
      this.#addFacts(result.facts, plan.path);
      for (const bundle of result.bundles) this.#addBundle(bundle, plan.path);
      this.#options.onEntries(this.tree.size);
    }
  }

  #addBundle(bundle: BundleFacts, file: string): void {
    const { n, count, root, leaves, unreadable, tile } = bundle;
    const first = n * TILE_WIDTH;
    if (this.#isBroken || this.tree.size !== first) return;
    if (tile !== undefined) this.tileFaults.set(n, tile);
    if (unreadable !== undefined) {
      const { trail, report } = this.#options;
      report.add({ trail, index: first, end: first + count, kind: "edited", file, detail: unreadable });
      this.#fill(first + count, undefined);
      return;
    }
    this.found += count;
    if (root !== undefined) {
      this.tree.addBundle(asHash(root));
      this.#noteHead();
    }
    if (leaves !== undefined) for (const leaf of splitHashes(leaves)) this.#addLeaf(leaf);
  }

  #addRun(run: WalRun, walFile: string): void {
    const { trail, treeSize, report } = this.#options;
    if (this.#isBroken || runEnd(run) <= this.tree.size) return;
    if (run.first > this.tree.size) {
      if (!run.signed) return;
      this.#fill(Math.min(run.first, treeSize), this.expectedFile(walFile));
      if (run.first > this.tree.size) {
        const detail = "the entries are not there, although the log goes on after them";
        report.add({ trail, index: this.tree.size, end: run.first, kind: "missing", file: run.file, detail });
        this.#isBroken = true;
        return;
      }
    }
    this.#sources.push({ first: this.tree.size, end: runEnd(run), file: run.file });
    let mark = run.markedSizes.findIndex((size) => size > this.tree.size);
    for (let i = this.tree.size - run.first; i < run.leaves.count; i += 1) {
      this.#addLeaf(run.leaves.at(i));
      this.found += 1;
      if (run.markedSizes[mark] !== this.tree.size) continue;
      if (run.signed) this.#checkMark(run, mark);
      mark += 1;
    }
    this.#options.onEntries(this.tree.size);
  }

  #checkMark(run: WalRun, mark: number): void {
    const root = run.markedRoots.at(mark);
    if (equalBytes(root, this.tree.root()) || this.doubtfulMarks.length >= MAX_DOUBTFUL) return;
    this.doubtfulMarks.push({ size: this.tree.size, root, file: run.file });
  }

  #addLeaf(leaf: Hash): void {
    const n = Math.floor(this.tree.size / TILE_WIDTH);
    const whole = this.tree.addLeaf(leaf);
    if (whole !== undefined) {
      this.#compareBundle(n, whole);
      this.#keepHeadLeaves(n, whole);
    }
    this.#noteHead();
  }

  #compareOpenBundle(): void {
    const n = Math.floor(this.tree.size / TILE_WIDTH);
    const leaves = this.tree.openLeaves;
    if (leaves.length === 0) return;
    this.#compareBundle(n, leaves);
    this.#keepHeadLeaves(n, leaves);
  }

  #compareBundle(n: number, leaves: Uint8Array): void {
    const width = tileWidth(this.#options.treeSize, n);
    if (width === 0 || this.tileFaults.has(n)) return;
    const fault = compareTile(n, leaves, width, this.readTile({ level: 0, n, width }));
    if (fault !== undefined) this.tileFaults.set(n, fault);
  }

  #keepHeadLeaves(n: number, leaves: Uint8Array): void {
    const { treeSize } = this.#options;
    if (n !== Math.floor(treeSize / TILE_WIDTH)) return;
    this.headLeaves = leaves.slice(0, (treeSize % TILE_WIDTH) * HASH_BYTES);
  }

  #noteHead(): void {
    if (this.tree.size === this.#options.treeSize) this.headRoot = this.tree.root();
  }

  /** Takes the hashes of missing entries up to `end` from the tiles, so that everything after them can still be checked. */
  #fill(end: number, file: string | undefined): void {
    const { trail, treeSize, report } = this.#options;
    const first = this.tree.size;
    while (this.tree.size < end) {
      const n = Math.floor(this.tree.size / TILE_WIDTH);
      const width = tileWidth(treeSize, n);
      const tile = width === 0 ? undefined : this.readTile({ level: 0, n, width });
      if (tile === undefined || tile.length !== tileBytes(width)) break;
      const from = this.tree.size % TILE_WIDTH;
      const to = Math.min(width, end - n * TILE_WIDTH);
      if (from === 0 && to === TILE_WIDTH) {
        this.tree.addBundle(rootOfHashes(tile));
        this.#noteHead();
        continue;
      }
      if (to <= from) break;
      for (const leaf of splitHashes(tile.slice(from * HASH_BYTES, to * HASH_BYTES))) this.#addLeaf(leaf);
    }
    this.#isBroken = this.tree.size < end;
    if (file === undefined || end <= first) return;
    report.add({ trail, index: first, end, kind: "missing", file, detail: "the entries are not there" });
  }

  #addFacts(facts: RunFacts, file: string): void {
    const { trail, report } = this.#options;
    const [first, last] = facts.received;
    if (first !== "" && first < this.#received) {
      const detail = `received at ${first}, after an entry received at ${this.#received}`;
      report.add({ trail, index: facts.first, kind: "reordered", file, detail });
    }
    if (last !== "") this.#received = last;
    for (const fault of facts.faults) report.add({ trail, file, ...fault });
    for (const statement of facts.statements) this.statements.push(statement);
    if (facts.blobIds.length > 0) this.blobIds.push(facts.blobIds);
    this.pendingBlobs.push(...facts.pendingBlobs);
  }

  #addWalFacts(wal: WalTrail, sealedEnd: number): void {
    const { trail, report } = this.#options;
    const [run] = wal.runs;
    const [first] = wal.received;
    if (run !== undefined && run.first >= sealedEnd && first !== "" && first < this.#received) {
      const detail = `received at ${first}, after an entry received at ${this.#received}`;
      report.add({ trail, index: run.first, kind: "reordered", file: run.file, detail });
    }
    for (const fault of wal.faults) report.add({ trail, ...fault });
    for (const statement of wal.statements) if (statement.index >= sealedEnd) this.statements.push(statement);
    this.blobIds.push(...wal.blobIds);
    this.pendingBlobs.push(...wal.pendingBlobs);
  }
}
