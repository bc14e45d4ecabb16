import { Bitmap } from "./bitmap.ts";
import { overflowCode } from "./columns.ts";
import { appendColumns, type Condition, numbersOf, type ScratchTable, UINTEGER, u32 } from "./duck.ts";
import { candidateRows, conditionOf, type Scope } from "./evaluate-plan.ts";
import { LineMatcher } from "./match-lines.ts";
import type { Running } from "./run-query.ts";
import type { Unit } from "./unit.ts";
import { findCandidates, type SearchPlan } from "./unit-hits.ts";
import type { ValueCounts } from "./value-counts.ts";

/** The rows of a unit that match, as a condition on its table. */
export interface Selection {
  readonly unit: Unit;
  readonly condition: Condition;
}

/** What is selected from where; `number` is the unit's in this request. */
interface SelectionTask {
  readonly unit: Unit;
  readonly number: number;
  readonly search: SearchPlan;
  readonly counts: ValueCounts;
  readonly running: Running;
  /** Takes (unit, row) of rows that the lines decided. */
  readonly scratch: ScratchTable;
}

const rowsAtOnce = 4_096;

async function overflowing({ duck, unit, signal }: Scope, column: number): Promise<Bitmap | undefined> {
  if (unit.overflowRows(column) === 0) return undefined;
  const sql = `SELECT row FROM ${unit.table} WHERE c${column} = $1`;
  return Bitmap.of(unit.rows, numbersOf(await duck.read(sql, [u32(overflowCode(column))], signal)));
}

/** For each counted field, the rows whose values only the lines tell; undefined for none. */
async function countedByLine(scope: Scope, counts: ValueCounts): Promise<readonly (Bitmap | undefined)[]> {
  const rows: (Bitmap | undefined)[] = [];
  for (const { column } of counts.fields) {
    rows.push(column === undefined ? Bitmap.full(scope.unit.rows) : await overflowing(scope, column));
  }
  return rows;
}

/** Reads the lines of rows, counts their values, and returns the rows that match. */
async function readLines(task: SelectionTask, rows: Bitmap, counted: readonly (Bitmap | undefined)[]): Promise<Bitmap> {
  const { unit, search, counts, running } = task;
  const matcher = new LineMatcher(search);
  const matching = new Bitmap(unit.rows);
  const numbers = rows.rows();
  for (let at = 0; at < numbers.length; at += rowsAtOnce) {
    for (const match of await matcher.matching(unit, numbers.slice(at, at + rowsAtOnce), running)) {
      matching.add(match.row);
      for (const [field, having] of counted.entries()) if (having?.has(match.row)) counts.add(field, match);
    }
  }
  return matching;
}

function noteRows({ number, scratch }: SelectionTask, rows: Bitmap): Condition {
  const numbers = Uint32Array.from(rows.rows());
  const units = new Uint32Array(numbers.length).fill(number);
  const columns = [
    { type: UINTEGER, data: units },
    { type: UINTEGER, data: numbers },
  ];
  appendColumns(scratch.appender, columns, numbers.length);
  scratch.appender.flushSync();
  return (parameters) => `row IN (SELECT row FROM ${scratch.name} WHERE unit = ${parameters.add(u32(number))})`;
}

/**
 * Finds the rows of a unit that match: by the tables where these decide, else line by line. Values that the tables do
 * not hold are counted on the way. Undefined when no row can match.
 */
export async function selectRows(task: SelectionTask): Promise<Selection | undefined> {
  const { unit, search, running } = task;
  const scope: Scope = { duck: running.lease.duck, unit, signal: running.signal };
  const candidates = await findCandidates(scope, search, true);
  if (candidates.rows?.isEmpty() === true) return undefined;
  const counted = await countedByLine(scope, task.counts);
  if (!candidates.sure) {
    const matching = await readLines(task, await candidateRows(scope, candidates), counted);
    return matching.isEmpty() ? undefined : { unit, condition: noteRows(task, matching) };
  }
  const read = counted.reduce((sum, rows) => (rows === undefined ? sum : (sum?.or(rows) ?? rows)), undefined);
  if (read !== undefined) {
    const rows = candidates.rows === undefined ? read : candidates.rows.and(read);
    await readLines(task, await candidateRows(scope, { ...candidates, rows }), counted);
  }
  return { unit, condition: conditionOf(unit, candidates) };
}
