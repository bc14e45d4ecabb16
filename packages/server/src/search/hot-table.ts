import { compileTest, type Test } from "@evident/core";
import { Bitmap } from "./bitmap.ts";
import { addPosition, BlockTerms, blockRows } from "./block-terms.ts";
import { absentCode, type ColumnValue, ipColumn, overflowCode, trailColumn } from "./columns.ts";
import { Dictionary } from "./dictionary.ts";
import type { Duck, DuckDBAppender } from "./duck.ts";
import { extractEntry, ipOf, readEntry } from "./extract.ts";
import { addGrams, GramTable, gramCount } from "./grams.ts";
import { HashPairs } from "./hash-pairs.ts";
import type { LineBlock } from "./line-block.ts";
import { LineStore } from "./line-store.ts";
import type { Posting } from "./plan.ts";
import { RowBuffer, rowColumnSql } from "./row-buffer.ts";
import type { MatchingCodes, TrailSpan, Unit } from "./unit.ts";

/** Rows of one append at most: what queries wait for. */
export const sliceRows = 512;

/** Rows that wait to become visible at most: making few visible costs as much as making many. */
export const flushRows = 8_192;

// Bounds besides the rows, for entries that are far larger than usual.
const maxPairs = 24_000_000;
const maxDictionaryChars = 48_000_000;

/** Entries of one trail in a hot table, with a copy of the last line. */
interface HotSpan extends TrailSpan {
  readonly last: Buffer;
}

/**
 * The newest rows: a table in DuckDB's memory, lookups in ours, lines in the file that the segment will keep. Nothing
 * of it survives the process but in the ledger, from which it is filled again.
 */
export class HotTable {
  readonly number: number;
  readonly name: string;
  readonly lines: LineStore;
  readonly dictionary = new Dictionary();
  readonly terms = new BlockTerms();
  readonly termPairs = new HashPairs();
  readonly keyPairs = new HashPairs();
  readonly grams: GramTable;
  /** Grams of the rows since the last whole block. */
  readonly seenGrams = new Uint8Array(gramCount);
  readonly spans = new Map<string, HotSpan>();
  readonly trailNames = new Map<number, string>();
  /** Rows that were appended; `visible` of them can be searched. */
  rows = 0;
  visible = 0;
  minTimeNs = 0n;
  maxTimeNs = 0n;
  oddTimes = 0;
  private readonly duck: Duck;
  private readonly limit: number;
  private readonly ips: bigint[] = [];
  private readonly buffer = new RowBuffer(flushRows);
  private appenders: { readonly rows: DuckDBAppender; readonly dict: DuckDBAppender } | undefined;

  private constructor(duck: Duck, number: number, limit: number, lines: LineStore) {
    this.duck = duck;
    this.number = number;
    this.limit = limit;
    this.name = `hot_${number}`;
    this.lines = lines;
    this.grams = new GramTable(Math.ceil(limit / blockRows));
  }

  /** @param limit rows that it holds at most */
  static async create(duck: Duck, number: number, limit: number, file: string): Promise<HotTable> {
    const hot = new HotTable(duck, number, limit, await LineStore.create(file));
    const { writer } = duck;
    await writer.run(`ATTACH ':memory:' AS ${hot.name}`);
    await writer.run(`CREATE TABLE ${hot.name}.rows(${rowColumnSql})`);
    await writer.run(`CREATE TABLE ${hot.name}.dict(field UINTEGER, code UINTEGER, value VARCHAR)`);
    hot.appenders = {
      rows: await writer.createAppender("rows", "main", hot.name),
      dict: await writer.createAppender("dict", "main", hot.name),
    };
    return hot;
  }

  /** Rows that may still be appended. */
  get room(): number {
    const isHeavy =
      this.termPairs.count + this.keyPairs.count >= maxPairs || this.dictionary.chars >= maxDictionaryChars;
    return isHeavy ? 0 : this.limit - this.rows;
  }

  /** Takes at most `sliceRows` lines of a trail, within `room`; at most `flushRows` wait for the next flush. */
  append(trail: string, first: number, lines: readonly Buffer[]): void {
    const last = lines.at(-1);
    if (last === undefined) return;
    for (const [at, line] of lines.entries()) this.addRow(trail, first + at, line);
    this.trailNames.set(this.dictionary.codeOf(trailColumn, trail) ?? 0, trail);
    const span = this.spans.get(trail);
    this.spans.set(trail, { first: span?.first ?? first, end: first + lines.length, last: Buffer.from(last) });
  }

  /** Makes what was appended visible. */
  flush(): void {
    const { appenders } = this;
    if (appenders === undefined || this.visible === this.rows) return;
    this.buffer.flushTo(appenders.rows);
    appenders.rows.flushSync();
    this.flushDictionary(appenders.dict);
    this.visible = this.rows;
  }

  private flushDictionary(appender: DuckDBAppender): void {
    const fresh = this.dictionary.takeFresh();
    for (const { column, code, value } of fresh) {
      appender.appendUInteger(column);
      appender.appendUInteger(code);
      appender.appendVarchar(value);
      appender.endRow();
    }
    if (fresh.length > 0) appender.flushSync();
  }

  private addRow(trail: string, index: number, line: Buffer): void {
    const row = this.rows;
    const entry = extractEntry(readEntry(line), trail, { terms: this.terms, keys: this.keyPairs }, row);
    const codes = entry.values.map((value, column) => this.dictionary.encode(column, value));
    this.buffer.push(row, index, entry.timeNs, this.ipOf(codes, entry.values), codes);
    this.lines.append({ trail: codes[trailColumn] ?? 0, index, line });
    addGrams(line, this.seenGrams);
    if (row === 0 || entry.timeNs < this.minTimeNs) this.minTimeNs = entry.timeNs;
    if (row === 0 || entry.timeNs > this.maxTimeNs) this.maxTimeNs = entry.timeNs;
    if (entry.isOdd) this.oddTimes++;
    this.rows++;
    if (this.rows % blockRows === 0) this.endBlock(this.rows - blockRows);
  }

  /** Sources come again: an address is parsed once for its code. */
  private ipOf(codes: readonly number[], values: readonly ColumnValue[]): bigint {
    const code = codes[ipColumn] ?? absentCode;
    const value = values[ipColumn];
    if (code === overflowCode(ipColumn)) return ipOf(value);
    let ip = this.ips[code];
    if (ip === undefined) {
      ip = ipOf(value);
      this.ips[code] = ip;
    }
    return ip;
  }

  private endBlock(start: number): void {
    this.terms.drain(start, this.termPairs);
    this.grams.add(start / blockRows, this.seenGrams);
  }

  get isFrozen(): boolean {
    return this.appenders === undefined;
  }

  /** No more rows: the table waits to become a segment. Its lines are durable when it resolves. */
  async freeze(): Promise<void> {
    if (this.appenders === undefined) return;
    this.flush();
    this.appenders.rows.closeSync();
    this.appenders.dict.closeSync();
    this.appenders = undefined;
    const rest = this.rows % blockRows;
    if (rest > 0) this.endBlock(this.rows - rest);
    await this.lines.finish();
  }

  /** Frees the memory; the lines stay open for the segment. */
  async detach(): Promise<void> {
    await this.duck.sealer.run(`DETACH ${this.name}`);
  }

  /** The rows as they are now. */
  view(): Unit {
    return new HotView(this);
  }
}

/** The rows that a hot table had at one moment. */
class HotView implements Unit {
  readonly rows: number;
  readonly table: string;
  readonly dictTable: string;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly trails: ReadonlyMap<string, TrailSpan>;
  private readonly hot: HotTable;

  constructor(hot: HotTable) {
    this.hot = hot;
    this.rows = hot.visible;
    this.table = `${hot.name}.rows`;
    this.dictTable = `${hot.name}.dict`;
    this.minTimeNs = hot.minTimeNs;
    this.maxTimeNs = hot.maxTimeNs;
    this.trails = new Map(hot.spans);
  }

  get oddTimes(): number {
    return this.hot.oddTimes;
  }

  trailCode(name: string): number | undefined {
    return this.hot.dictionary.codeOf(trailColumn, name);
  }

  trailName(code: number): string {
    return this.hot.trailNames.get(code) ?? "";
  }

  overflowRows(column: number): number {
    return this.hot.dictionary.overflowed(column);
  }

  codesWhere(column: number, test: Test, _signal: AbortSignal, among?: ReadonlySet<number>): Promise<MatchingCodes> {
    const passes = compileTest(test);
    const codes = new Set<number>();
    for (const { code, value } of this.hot.dictionary.rows(column)) {
      if ((among === undefined || among.has(code)) && passes(value)) codes.add(code);
    }
    return Promise.resolve({ codes: [...codes], overflow: this.overflowRows(column) > 0 });
  }

  posting(posting: Posting): Promise<Bitmap> {
    return Promise.resolve(this.lookUp(posting));
  }

  private lookUp(posting: Posting): Bitmap {
    const { hot } = this;
    const bitmap = new Bitmap(this.rows);
    switch (posting.kind) {
      case "key":
        for (const row of hot.keyPairs.find(posting.hash)) bitmap.add(row);
        return bitmap;
      case "word": {
        const positions = hot.termPairs.find(posting.hash);
        const newest = hot.terms.find(posting.hash);
        if (newest !== undefined) positions.push(newest);
        for (const position of positions) addPosition(bitmap, position);
        return bitmap;
      }
      case "grams":
        for (let block = 0; block * blockRows < this.rows; block++) {
          const isWhole = (block + 1) * blockRows <= hot.rows || hot.isFrozen;
          const has = (gram: number): boolean => (isWhole ? hot.grams.has(block, gram) : hot.seenGrams[gram] === 1);
          if (posting.grams.every(has)) bitmap.addRange(block * blockRows, (block + 1) * blockRows);
        }
        return bitmap;
    }
  }

  readBlock(block: number): Promise<LineBlock> {
    return this.hot.lines.read(block);
  }
}
