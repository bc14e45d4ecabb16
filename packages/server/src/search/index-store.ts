import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Duck, IndexDamage } from "./duck.ts";
import { syncDirectory } from "./durable-file.ts";
import { flushRows, HotTable, sliceRows } from "./hot-table.ts";
import { readManifest, type SegmentRecord, segmentFiles, writeManifest } from "./manifest.ts";
import { sealSegment } from "./seal-segment.ts";
import { Segment } from "./segment.ts";
import type { Unit } from "./unit.ts";

/** Where the index lies and its bounds. */
export interface StoreOptions {
  readonly dir: string;
  readonly segmentRows: number;
  readonly memoryBytes: number;
  /** Gives other work of the thread its turn. */
  readonly pause: () => Promise<void>;
  /** Called when a hot table has become a segment. */
  readonly onSealed: () => void;
  /** Called when sealing has failed: nothing can be indexed any more. */
  readonly onFailure: (error: unknown) => void;
}

const sealingTurnMs = 8;

/** The units of the index at one moment; they stay readable until `release`. */
export interface Lease {
  readonly duck: Duck;
  /** Oldest first. */
  readonly units: readonly Unit[];
  readonly positions: ReadonlyMap<string, number>;
  release(): void;
}

/** Sizes of the index for metrics. */
export interface IndexNumbers {
  readonly rows: number;
  readonly hotRows: number;
  readonly segments: number;
  readonly seals: number;
}

/**
 * All files of the index: immutable segments and the hot tables above them. Lives in the one thread that may open
 * them: a second engine on one file would not be noticed and would destroy it.
 */
export class IndexStore {
  private readonly options: StoreOptions;
  private readonly duck: Duck;
  private segments: readonly Segment[] = [];
  /** Oldest first; all but the last are frozen and wait to be sealed. */
  private hots: readonly HotTable[] = [];
  private readonly leases = new Map<object, readonly HotTable[]>();
  private retired: readonly HotTable[] = [];
  private sealing: Promise<void> | undefined;
  private seals = 0;
  /** Sizes of the trails as appended, and as searchable. */
  private readonly appended = new Map<string, number>();
  private searchable: ReadonlyMap<string, number> = new Map();

  private constructor(options: StoreOptions, duck: Duck) {
    this.options = options;
    this.duck = duck;
  }

  /**
   * Opens the index, or begins one in an empty directory.
   * @throws IndexDamage when its files are not what the manifest says, or there is none
   */
  static async open(options: StoreOptions): Promise<IndexStore> {
    await mkdir(options.dir, { recursive: true });
    const manifest = await readManifest(options.dir);
    if (manifest === undefined && (await readdir(options.dir)).length > 0) {
      throw new IndexDamage("the index has no manifest of this version");
    }
    const duck = await Duck.open({ memoryBytes: options.memoryBytes, spillDir: join(options.dir, "spill") });
    const store = new IndexStore(options, duck);
    try {
      await store.load(manifest?.segments ?? []);
      return store;
    } catch (cause) {
      await store.closeFiles();
      throw new IndexDamage(`the index does not open: ${String(cause)}`, { cause });
    }
  }

  private async load(records: readonly SegmentRecord[]): Promise<void> {
    const { dir } = this.options;
    const files = records.map(({ number }) => segmentFiles(dir, number));
    const kept = new Set(files.flatMap(({ tables, lines }) => [basename(tables), basename(lines), "manifest.json"]));
    for (const name of await readdir(dir)) {
      if (!kept.has(name)) await rm(join(dir, name), { recursive: true, force: true });
    }
    for (const record of records) await this.loadSegment(record);
    if (records.length === 0) await writeManifest(dir, []);
    await this.beginHot();
    this.flush();
  }

  private async loadSegment(record: SegmentRecord): Promise<void> {
    const files = segmentFiles(this.options.dir, record.number);
    const { size } = await stat(files.tables);
    if (size !== record.tableBytes)
      throw new IndexDamage(`${files.tables} has ${size} bytes, not ${record.tableBytes}`);
    for (const [trail, { first, end }] of Object.entries(record.trails)) {
      if (first !== (this.appended.get(trail) ?? 0)) throw new IndexDamage(`the segments of ${trail} have a gap`);
      this.appended.set(trail, end);
    }
    this.segments = [...this.segments, await Segment.open(this.duck, files, record)];
  }

  private async beginHot(): Promise<void> {
    const newest = this.hots.at(-1)?.number ?? this.segments.at(-1)?.record.number ?? 0;
    const { lines } = segmentFiles(this.options.dir, newest + 1);
    this.hots = [...this.hots, await HotTable.create(this.duck, newest + 1, this.options.segmentRows, lines)];
  }

  private get hot(): HotTable {
    const hot = this.hots.at(-1);
    if (hot === undefined) throw new Error("the index is not open");
    return hot;
  }

  /** For each trail of the segments, the digest of the last line they hold. */
  get lastDigests(): ReadonlyMap<string, { readonly index: number; readonly digest: string }> {
    const spans = this.segments.flatMap(({ record }) => Object.entries(record.trails));
    return new Map(spans.map(([trail, { end, last }]) => [trail, { index: end - 1, digest: last }]));
  }

  get numbers(): IndexNumbers {
    const hotRows = this.hots.reduce((sum, hot) => sum + hot.rows, 0);
    const rows = this.segments.reduce((sum, segment) => sum + segment.rows, hotRows);
    return { rows, hotRows, segments: this.segments.length, seals: this.seals };
  }

  /**
   * Indexes lines of a trail, in slices with pauses between them; they must follow what is indexed already. They are
   * searchable after a flush.
   */
  async append(trail: string, first: number, lines: readonly Buffer[]): Promise<void> {
    if (first !== (this.appended.get(trail) ?? 0))
      throw new Error(`entries of ${trail} arrived at ${first}, out of order`);
    for (let at = 0; at < lines.length; ) {
      if (this.hot.room <= 0) await this.changeHot();
      if (this.hot.rows - this.hot.visible + sliceRows > flushRows) this.flush();
      const slice = lines.slice(at, at + Math.min(sliceRows, this.hot.room));
      this.hot.append(trail, first + at, slice);
      at += slice.length;
      this.appended.set(trail, first + at);
      await this.options.pause();
    }
  }

  /** Makes what was appended searchable. */
  flush(): void {
    this.hot.flush();
    this.searchable = new Map(this.appended);
  }

  /** Sizes of the trails as searchable. */
  get positions(): ReadonlyMap<string, number> {
    return this.searchable;
  }

  /** Begins a new hot table and seals the full one. If the one before is not sealed yet, ingest waits for it. */
  private async changeHot(): Promise<void> {
    await this.sealing;
    const full = this.hot;
    this.flush();
    await full.freeze();
    await this.beginHot();
    this.startSealing(full);
  }

  private startSealing(hot: HotTable): void {
    this.sealing = this.seal(hot)
      .catch((error: unknown) => this.options.onFailure(error))
      .finally(() => {
        this.sealing = undefined;
      });
  }

  private async seal(hot: HotTable): Promise<void> {
    const { dir } = this.options;
    const files = segmentFiles(dir, hot.number);
    const record = await sealSegment({ duck: this.duck, hot, pause: this.sealingPause() }, files.tables);
    await syncDirectory(dir);
    const segment = await Segment.open(this.duck, files, record, hot.lines);
    const segments = [...this.segments, segment];
    await writeManifest(
      dir,
      segments.map((one) => one.record),
    );
    this.segments = segments;
    this.hots = this.hots.filter((one) => one !== hot);
    this.seals++;
    this.retired = [...this.retired, hot];
    await this.dropRetired();
    this.options.onSealed();
  }

  /** Pauses only after a while: at each one ingest takes its turn, and two hot tables need much memory. */
  private sealingPause(): () => Promise<void> {
    let sinceMs = performance.now();
    return async () => {
      if (performance.now() - sinceMs < sealingTurnMs) return;
      await this.options.pause();
      sinceMs = performance.now();
    };
  }

  /** Frees hot tables that have become segments once nobody reads them any more. */
  private async dropRetired(): Promise<void> {
    const inUse = new Set([...this.leases.values()].flat());
    const idle = this.retired.filter((hot) => !inUse.has(hot));
    this.retired = this.retired.filter((hot) => inUse.has(hot));
    for (const hot of idle) await hot.detach();
  }

  /** The units as they are now. */
  lease(): Lease {
    const key = {};
    this.leases.set(key, this.hots);
    return {
      duck: this.duck,
      units: [...this.segments, ...this.hots.map((hot) => hot.view())].filter((unit) => unit.rows > 0),
      positions: this.positions,
      release: () => {
        if (this.leases.delete(key) && this.retired.length > 0) {
          this.dropRetired().catch((error: unknown) => this.options.onFailure(error));
        }
      },
    };
  }

  /**
   * Closes everything. A hot table worth a segment is sealed first; the rest is indexed again at the next start, which
   * takes less time than there would be many small segments.
   */
  async close(): Promise<void> {
    await this.sealing;
    const { hot } = this;
    if (hot.rows * 4 >= this.options.segmentRows) {
      await hot.freeze();
      await this.seal(hot);
    }
    await this.closeFiles();
  }

  private async closeFiles(): Promise<void> {
    this.duck.close();
    for (const segment of this.segments) await segment.close();
    for (const hot of this.hots) await hot.lines.close();
  }
}
