import { zstdDecompressSync } from "node:zlib";
import { compileTest, fold, type Test } from "@evident/core";
import { Bitmap } from "./bitmap.ts";
import { addPosition, blockRows } from "./block-terms.ts";
import { columns, trailColumn } from "./columns.ts";
import { type Duck, IndexDamage, numbersOf, quoteLiteral, rowsOf, u32 } from "./duck.ts";
import type { LineBlock } from "./line-block.ts";
import { LineStore } from "./line-store.ts";
import type { SegmentRecord } from "./manifest.ts";
import type { Posting } from "./plan.ts";
import type { MatchingCodes, TrailSpan, Unit } from "./unit.ts";
import { hashKey } from "./word-hash.ts";

/** Grams that share a stored blob: those with the same first two letters. */
export const gramsPerBlob = 36;

/** Name under which a segment's tables are found. */
export function segmentName(number: number): string {
  return `segment_${number}`;
}

interface DictionaryValue {
  readonly code: number;
  readonly value: string;
}

/** A sealed, read-only part of the index: a file of tables and a file of lines. */
export class Segment implements Unit {
  readonly record: SegmentRecord;
  readonly rows: number;
  readonly table: string;
  readonly dictTable: string;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly oddTimes: number;
  readonly trails: ReadonlyMap<string, TrailSpan>;
  private readonly name: string;
  private readonly duck: Duck;
  private readonly lines: LineStore;
  private readonly names = new Map<number, string>();
  private readonly codes = new Map<string, number>();
  private readonly narrowValues = new Map<number, readonly DictionaryValue[]>();

  private constructor(duck: Duck, record: SegmentRecord, lines: LineStore) {
    this.duck = duck;
    this.record = record;
    this.lines = lines;
    this.name = segmentName(record.number);
    this.rows = record.rows;
    this.table = `${this.name}.rows`;
    this.dictTable = `${this.name}.dict`;
    this.minTimeNs = BigInt(record.minTimeNs);
    this.maxTimeNs = BigInt(record.maxTimeNs);
    this.oddTimes = record.oddTimes;
    this.trails = new Map(Object.entries(record.trails));
  }

  /**
   * Attaches the tables; `lines` are opened from their file unless the hot table hands its own over.
   * @throws IndexDamage
   */
  static async open(
    duck: Duck,
    files: { readonly tables: string; readonly lines: string },
    record: SegmentRecord,
    lines?: LineStore,
  ): Promise<Segment> {
    const name = segmentName(record.number);
    await duck.sealer.run(`ATTACH ${quoteLiteral(files.tables)} AS ${name} (READ_ONLY)`);
    const offsets = await duck.read(`SELECT start FROM ${name}.blocks ORDER BY block`);
    const opened =
      lines ??
      (await LineStore.open(
        files.lines,
        rowsOf(offsets).map(([start]) => Number(start)),
      ));
    const segment = new Segment(duck, record, opened);
    for (const { code, value } of await segment.valuesOf(trailColumn)) {
      segment.names.set(code, value);
      segment.codes.set(value, code);
    }
    const known = [...segment.codes.keys()].sort().join();
    if (known !== [...segment.trails.keys()].sort().join())
      throw new IndexDamage(`${name} holds other trails than recorded`);
    return segment;
  }

  trailCode(name: string): number | undefined {
    return this.codes.get(name);
  }

  trailName(code: number): string {
    return this.names.get(code) ?? "";
  }

  overflowRows(column: number): number {
    return this.record.overflow[column] ?? 0;
  }

  private async valuesOf(column: number, signal?: AbortSignal): Promise<readonly DictionaryValue[]> {
    const kept = this.narrowValues.get(column);
    if (kept !== undefined) return kept;
    const sql = `SELECT code, value FROM ${this.dictTable} WHERE field = $1`;
    const values = rowsOf(await this.duck.read(sql, [u32(column)], signal)).map(
      ([code, value]): DictionaryValue => ({ code: Number(code), value: String(value) }),
    );
    if (!columns[column]?.wide) this.narrowValues.set(column, values);
    return values;
  }

  private async valuesEqual(column: number, folded: string, signal: AbortSignal): Promise<readonly DictionaryValue[]> {
    const sql = `SELECT code, value FROM ${this.dictTable} WHERE field = $1 AND hash = $2`;
    const chunks = await this.duck.read(sql, [u32(column), u32(hashKey(column, folded))], signal);
    return rowsOf(chunks).map(([code, value]): DictionaryValue => ({ code: Number(code), value: String(value) }));
  }

  async codesWhere(
    column: number,
    test: Test,
    signal: AbortSignal,
    among?: ReadonlySet<number>,
  ): Promise<MatchingCodes> {
    const passes = compileTest(test);
    const isLookup = test.kind === "equals" && columns[column]?.wide === true;
    const values = isLookup
      ? await this.valuesEqual(column, fold(test.value), signal)
      : await this.valuesOf(column, signal);
    const codes = new Set<number>();
    for (const { code, value } of values) {
      if ((among === undefined || among.has(code)) && passes(value)) codes.add(code);
    }
    return { codes: [...codes], overflow: this.overflowRows(column) > 0 };
  }

  async posting(posting: Posting, signal: AbortSignal): Promise<Bitmap> {
    const bitmap = new Bitmap(this.rows);
    switch (posting.kind) {
      case "word":
        for (const position of await this.hashed("terms", posting.hash, signal)) addPosition(bitmap, position);
        return bitmap;
      case "key":
        for (const row of await this.hashed("keys", posting.hash, signal)) bitmap.add(row);
        return bitmap;
      case "grams":
        return this.gramRows(posting.grams, signal);
    }
  }

  private async hashed(table: "terms" | "keys", hash: number, signal: AbortSignal): Promise<Uint32Array> {
    return numbersOf(await this.duck.read(`SELECT pos FROM ${this.name}.${table} WHERE h = $1`, [u32(hash)], signal));
  }

  private async gramRows(grams: readonly number[], signal: AbortSignal): Promise<Bitmap> {
    const blobs = [...new Set(grams.map((gram) => Math.floor(gram / gramsPerBlob)))];
    const found = await this.duck.readBlobs(`${this.name}.grams`, "blob", blobs, signal);
    const blocks = Math.ceil(this.rows / blockRows);
    const size = (blocks + 7) >>> 3;
    const possible = new Uint8Array(size).fill(0xff);
    for (const [number, compressed] of found) {
      const bits = zstdDecompressSync(compressed);
      for (const gram of grams.filter((one) => Math.floor(one / gramsPerBlob) === number)) {
        const from = (gram % gramsPerBlob) * size;
        for (let at = 0; at < size; at++) possible[at] = (possible[at] ?? 0) & (bits[from + at] ?? 0);
      }
    }
    const bitmap = new Bitmap(this.rows);
    for (let block = 0; block < blocks; block++) {
      if (((possible[block >>> 3] ?? 0) & (1 << (block & 7))) === 0) continue;
      bitmap.addRange(block * blockRows, (block + 1) * blockRows);
    }
    return bitmap;
  }

  readBlock(block: number): Promise<LineBlock> {
    return this.lines.read(block);
  }

  async close(): Promise<void> {
    await this.lines.close();
  }
}
