import { absentCode, type ColumnValue, columns, columnValues, ipColumn, overflowCode, undecided } from "./columns.ts";
import { type Duck, i64, rowsOf, u32 } from "./duck.ts";
import { describeEntry, ipOf, readEntry } from "./extract.ts";
import { lineBlockRows } from "./line-block.ts";
import type { Running } from "./run-query.ts";
import type { Unit } from "./unit.ts";

/** Entries of the ledger to compare with the index: `lines[i]` is entry `first + i`. */
export interface EntriesToCheck {
  readonly trail: string;
  readonly first: number;
  readonly lines: readonly Buffer[];
}

/** `rows` counts the rows that were looked at; a row too many counts as mismatched. */
export interface CheckedEntries {
  readonly rows: number;
  readonly missing: number;
  readonly mismatched: number;
}

/** Rows per trail as the tables hold them. */
export async function countRows({ lease, signal }: Running): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const unit of lease.units) {
    const sql = `SELECT c0, count(*) FROM ${unit.table} WHERE row < $1 GROUP BY c0`;
    for (const [code, count] of rowsOf(await lease.duck.read(sql, [u32(unit.rows)], signal))) {
      const trail = unit.trailName(Number(code));
      counts[trail] = (counts[trail] ?? 0) + Number(count);
    }
  }
  return counts;
}

type Members = ReadonlyMap<number, readonly string[]>;

/** Values of every code of a unit, by column; the unit that was checked last is kept. */
export class UnitValues {
  private unit: string | undefined;
  private rows = 0;
  private values: readonly Members[] = [];

  async of(duck: Duck, unit: Unit, signal: AbortSignal): Promise<readonly Members[]> {
    if (this.unit === unit.table && this.rows === unit.rows) return this.values;
    const values = columns.map(() => new Map<number, string[]>());
    const sql = `SELECT field, code, value FROM ${unit.dictTable} ORDER BY field, code, value`;
    for (const [field, code, value] of rowsOf(await duck.read(sql, [], signal))) {
      const members = values[Number(field)];
      const known = members?.get(Number(code));
      if (known === undefined) members?.set(Number(code), [String(value)]);
      else known.push(String(value));
    }
    this.unit = unit.table;
    this.rows = unit.rows;
    this.values = values;
    return values;
  }
}

function isValue(value: ColumnValue, code: number, members: Members | undefined, overflow: number): boolean {
  if (code === overflow) return value !== undefined;
  if (value === undefined || value === undecided) return code === absentCode && value === undefined;
  const wanted = typeof value === "string" ? [value] : [...new Set(value)].sort();
  const held = members?.get(code) ?? [];
  return held.length === wanted.length && wanted.every((one) => held.includes(one));
}

interface StoredRow {
  readonly row: number;
  readonly t: bigint;
  readonly index: number;
  readonly ip: bigint;
  readonly codes: readonly number[];
}

async function storedRows(
  { lease, signal }: Running,
  unit: Unit,
  { trail, first, lines }: EntriesToCheck,
): Promise<StoredRow[]> {
  const code = unit.trailCode(trail);
  if (code === undefined) return [];
  const sql = `SELECT row, t, idx, ip, ${columns.map((_, at) => `c${at}`).join(", ")} FROM ${unit.table}
    WHERE c0 = $1 AND idx >= $2 AND idx < $3 AND row < $4 ORDER BY row`;
  const bounds = [u32(code), i64(BigInt(first)), i64(BigInt(first + lines.length)), u32(unit.rows)];
  return rowsOf(await lease.duck.read(sql, bounds, signal)).map(([row, t, index, ip, ...codes]) => ({
    row: Number(row),
    t: t as bigint,
    index: Number(index),
    ip: ip as bigint,
    codes: codes.map(Number),
  }));
}

/** Whether a stored row and its line are what the entry would be indexed as. */
async function agrees(
  unit: Unit,
  stored: StoredRow,
  entries: EntriesToCheck,
  values: readonly Members[],
): Promise<boolean> {
  const line = entries.lines[stored.index - entries.first];
  const slot = stored.row % lineBlockRows;
  const block = await unit.readBlock(Math.floor(stored.row / lineBlockRows));
  if (line === undefined || slot >= block.count || !block.line(slot).equals(line)) return false;
  if (unit.trailName(block.trail(slot)) !== entries.trail || block.index(slot) !== stored.index) return false;
  const entry = readEntry(line);
  const held = columnValues(entry, entries.trail);
  const { timeNs } = describeEntry(entry, held);
  if (timeNs !== stored.t || ipOf(held[ipColumn]) !== stored.ip) return false;
  return held.every((value, at) => isValue(value, stored.codes[at] ?? absentCode, values[at], overflowCode(at)));
}

/** Compares entries of the ledger with rows and lines of the index, byte by byte and column by column. */
export async function checkEntries(
  entries: EntriesToCheck,
  running: Running,
  cache: UnitValues,
): Promise<CheckedEntries> {
  const seen = new Uint8Array(entries.lines.length);
  let rows = 0;
  let mismatched = 0;
  for (const unit of running.lease.units) {
    const stored = await storedRows(running, unit, entries);
    if (stored.length === 0) continue;
    const values = await cache.of(running.lease.duck, unit, running.signal);
    for (const one of stored) {
      rows++;
      const at = one.index - entries.first;
      const isFirst = seen[at] === 0;
      seen[at] = 1;
      if (!isFirst || !(await agrees(unit, one, entries, values))) mismatched++;
    }
    await running.pause();
  }
  const missing = seen.reduce((sum, found) => sum + 1 - found, 0);
  return { rows, missing, mismatched };
}
