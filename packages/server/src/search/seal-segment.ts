import { stat } from "node:fs/promises";
import { zstdCompressSync } from "node:zlib";
import { fold } from "@evident/core";
import { blockRows } from "./block-terms.ts";
import { columns } from "./columns.ts";
import { type Duck, type DuckDBAppender, quoteLiteral } from "./duck.ts";
import { syncFile } from "./durable-file.ts";
import { gramCount } from "./grams.ts";
import type { HashPairs } from "./hash-pairs.ts";
import type { HotTable } from "./hot-table.ts";
import { digestOf, type SegmentRecord } from "./manifest.ts";
import { gramsPerBlob } from "./segment.ts";
import { hashKey } from "./word-hash.ts";

const schema = "sealing";

interface Sealing {
  readonly duck: Duck;
  readonly hot: HotTable;
  /** Awaited often: gives ingest and queries their turn. */
  readonly pause: () => Promise<void>;
}

async function fill(duck: Duck, table: string, columnSql: string, work: (appender: DuckDBAppender) => Promise<void>) {
  const { sealer } = duck;
  await sealer.run("BEGIN");
  await sealer.run(`CREATE TABLE ${schema}.${table}(${columnSql})`);
  const appender = await sealer.createAppender(table, "main", schema);
  await work(appender);
  appender.closeSync();
  await sealer.run("COMMIT");
}

async function writeDictionary({ duck, hot, pause }: Sealing): Promise<void> {
  await fill(duck, "dict", "field UINTEGER, hash UINTEGER, code UINTEGER, value VARCHAR", async (appender) => {
    for (const [column] of columns.entries()) {
      const rows = [...hot.dictionary.rows(column)].map((row) => ({ ...row, hash: hashKey(column, fold(row.value)) }));
      rows.sort((one, two) => one.hash - two.hash);
      for (const [at, { hash, code, value }] of rows.entries()) {
        appender.appendUInteger(column);
        appender.appendUInteger(hash);
        appender.appendUInteger(code);
        appender.appendVarchar(value);
        appender.endRow();
        if (at % 4_096 === 0) await pause();
      }
    }
  });
}

async function writePairs({ duck, pause }: Sealing, table: string, pairs: HashPairs): Promise<void> {
  await fill(duck, table, "h UINTEGER, pos UINTEGER", (appender) => pairs.appendTo(appender, pause));
}

async function writeGrams({ duck, hot, pause }: Sealing): Promise<void> {
  const blocks = Math.ceil(hot.rows / blockRows);
  await fill(duck, "grams", "blob UINTEGER, data BLOB USING COMPRESSION uncompressed", async (appender) => {
    for (let blob = 0; blob < gramCount / gramsPerBlob; blob++) {
      const bits = hot.grams.slice(blob * gramsPerBlob, gramsPerBlob, blocks);
      appender.appendUInteger(blob);
      // Small pieces: each would wait longer for another thread than it takes.
      appender.appendBlob(zstdCompressSync(bits));
      appender.endRow();
      await pause();
    }
  });
}

async function writeBlocks({ duck, hot }: Sealing): Promise<void> {
  await fill(duck, "blocks", "block UINTEGER, start UBIGINT", (appender) => {
    for (const [block, start] of hot.lines.offsets.entries()) {
      appender.appendUInteger(block);
      appender.appendUBigInt(BigInt(start));
      appender.endRow();
    }
    return Promise.resolve();
  });
}

async function recordOf(hot: HotTable, file: string): Promise<SegmentRecord> {
  const overflow = columns.flatMap((_, at) => {
    const rows = hot.dictionary.overflowed(at);
    return rows > 0 ? [[at, rows] as const] : [];
  });
  const trails = [...hot.spans].map(
    ([trail, { first, end, last }]) => [trail, { first, end, last: digestOf(last) }] as const,
  );
  return {
    number: hot.number,
    rows: hot.rows,
    tableBytes: (await stat(file)).size,
    minTimeNs: String(hot.minTimeNs),
    maxTimeNs: String(hot.maxTimeNs),
    oddTimes: hot.oddTimes,
    trails: Object.fromEntries(trails),
    overflow: Object.fromEntries(overflow),
  };
}

/** Writes the tables of a frozen hot table to a new file and makes it durable; the lines are in their own already. */
export async function sealSegment(sealing: Sealing, file: string): Promise<SegmentRecord> {
  const { duck, hot } = sealing;
  await duck.sealer.run(`ATTACH ${quoteLiteral(file)} AS ${schema}`);
  await duck.sealer.run(`CREATE TABLE ${schema}.rows AS SELECT * FROM ${hot.name}.rows ORDER BY row`);
  await writeDictionary(sealing);
  await writePairs(sealing, "terms", hot.termPairs);
  await writePairs(sealing, "keys", hot.keyPairs);
  await writeGrams(sealing);
  await writeBlocks(sealing);
  await duck.sealer.run(`CHECKPOINT ${schema}`);
  await duck.sealer.run(`DETACH ${schema}`);
  await syncFile(file);
  return recordOf(hot, file);
}
