import { Bitmap } from "./bitmap.ts";
import { columns, overflowCode } from "./columns.ts";
import { allConditions, anyCondition, type Condition, type Duck, i64, numbersOf, u32, u32List, u64 } from "./duck.ts";
import { timeNs } from "./extract.ts";
import type { Plan, Posting, RowTest, TimeTest } from "./plan.ts";
import type { Unit } from "./unit.ts";

/** Rows of a unit: those in `rows` (all where undefined) for which `where` holds. */
export interface Candidates {
  readonly rows: Bitmap | undefined;
  readonly where: Condition | undefined;
  /** These are the matching rows, not just a set that holds them. */
  readonly sure: boolean;
}

/** A unit being searched. */
export interface Scope {
  readonly duck: Duck;
  readonly unit: Unit;
  readonly signal: AbortSignal;
}

/** Few enough to look at the lines rather than at further conditions. */
const fewRows = 256;

const all: Candidates = { rows: undefined, where: undefined, sure: false };

function none(unit: Unit): Candidates {
  return { rows: new Bitmap(unit.rows), where: undefined, sure: true };
}

/** The condition for candidates, on a table that may hold newer rows than the unit. */
export function conditionOf(unit: Unit, { rows, where }: Candidates): Condition {
  const within: Condition = (parameters) => `row < ${parameters.add(u32(unit.rows))}`;
  return allConditions([within, rows && rowList(rows.rows()), where]) ?? within;
}

/** That the row is one of a list. */
export function rowList(rows: readonly number[]): Condition {
  return (parameters) => `row IN (SELECT unnest(${parameters.add(u32List(rows))}))`;
}

/** Row numbers of candidates, ascending. */
export async function candidateRows({ duck, unit, signal }: Scope, candidates: Candidates): Promise<Bitmap> {
  if (candidates.where === undefined) return candidates.rows ?? Bitmap.full(unit.rows);
  const { rows } = candidates;
  // A long list costs more than the rows it would spare.
  const isShort = rows !== undefined && rows.count() * 16 < unit.rows;
  const condition = conditionOf(unit, isShort ? candidates : { ...candidates, rows: undefined });
  const sql: Condition = (parameters) => `SELECT row FROM ${unit.table} WHERE ${condition(parameters)}`;
  const found = Bitmap.of(unit.rows, numbersOf(await duck.select(sql, signal)));
  return rows === undefined || isShort ? found : found.and(rows);
}

function codesCondition(column: number, codes: readonly number[], overflow: boolean): Condition {
  const wanted = overflow ? [...codes, overflowCode(column)] : codes;
  if (wanted.length === 0) return () => "false";
  // Numbers only, so they may stand in the statement; a long list is bound.
  if (wanted.length <= 64) return () => `c${column} IN (${wanted.join(", ")})`;
  return (parameters) => `c${column} IN (SELECT unnest(${parameters.add(u32List(wanted))}))`;
}

/** Which rows lie in a range of time; undefined where the unit's numbers do not tell. */
export function timeCandidates(unit: Unit, { from, before, isWider }: TimeTest): Candidates {
  const low = from === undefined ? undefined : timeNs(from);
  const high = before === undefined ? undefined : timeNs(before);
  const isExact = (from === undefined) === (low === undefined) && (before === undefined) === (high === undefined);
  if (unit.oddTimes > 0 || !isExact) return all;
  const where = allConditions([
    low !== undefined && low > unit.minTimeNs ? (parameters) => `t >= ${parameters.add(i64(low))}` : undefined,
    high !== undefined && high <= unit.maxTimeNs ? (parameters) => `t < ${parameters.add(i64(high))}` : undefined,
  ]);
  return { rows: undefined, where, sure: isWider !== true };
}

/**
 * A row has one address at most, so the codes that occur within the network's numbers, tested one by one, decide.
 * IPv6 addresses are told apart only by their upper half, and share the numbers of IPv4.
 */
async function ipCandidates(scope: Scope, test: RowTest & { kind: "ip" }, wantSure: boolean): Promise<Candidates> {
  const { duck, unit, signal } = scope;
  const { column } = test;
  const where: Condition = (parameters) =>
    `ip BETWEEN ${parameters.add(u64(test.low))} AND ${parameters.add(u64(test.high))}`;
  const overflow = unit.overflowRows(column) > 0;
  if (overflow) {
    const orOverflow: Condition = (parameters) => `${where(parameters)} OR c${column} = ${overflowCode(column)}`;
    return { rows: undefined, where: orOverflow, sure: false };
  }
  if (!wantSure) return { rows: undefined, where, sure: false };
  const sql: Condition = (parameters) => `SELECT DISTINCT c${column} FROM ${unit.table} WHERE ${where(parameters)}`;
  const among = new Set(numbersOf(await duck.select(sql, signal)));
  const { codes } = await unit.codesWhere(column, test.test, signal, among);
  return { rows: undefined, where: allConditions([where, codesCondition(column, codes, false)]), sure: true };
}

async function rowTestCandidates(scope: Scope, test: RowTest, wantSure: boolean): Promise<Candidates> {
  switch (test.kind) {
    case "codes": {
      const { codes, overflow } = await scope.unit.codesWhere(test.column, test.test, scope.signal);
      return { rows: undefined, where: codesCondition(test.column, codes, overflow), sure: !overflow };
    }
    case "ip":
      return ipCandidates(scope, test, wantSure);
    case "time":
      return timeCandidates(scope.unit, test);
    case "index": {
      const { min, max } = test;
      if (min > max) return none(scope.unit);
      const where: Condition = (parameters) =>
        `idx BETWEEN ${parameters.add(i64(min))} AND ${parameters.add(i64(max))}`;
      return { rows: undefined, where, sure: true };
    }
  }
}

async function postingRows({ unit, signal }: Scope, postings: readonly Posting[]): Promise<Bitmap | undefined> {
  let rows: Bitmap | undefined;
  for (const posting of postings) {
    const found = await unit.posting(posting, signal);
    rows = rows === undefined ? found : rows.and(found);
    if (rows.isEmpty()) break;
  }
  return rows;
}

/** Reading the dictionary of a narrow column is cheaper than any posting, and its codes decide. */
function prefersRowTest(plan: Plan & { readonly kind: "leaf" }): boolean {
  const { rowTest, postings } = plan;
  if (rowTest === undefined) return false;
  return postings.length === 0 || rowTest.kind !== "codes" || columns[rowTest.column]?.wide !== true;
}

async function leafCandidates(scope: Scope, plan: Plan & { kind: "leaf" }, wantSure: boolean): Promise<Candidates> {
  const { rowTest } = plan;
  if (rowTest !== undefined && prefersRowTest(plan)) return rowTestCandidates(scope, rowTest, wantSure);
  const rows = await postingRows(scope, plan.postings);
  if (rows?.isEmpty() === true) return none(scope.unit);
  if (rowTest === undefined || !wantSure) return { rows, where: undefined, sure: false };
  return { ...(await rowTestCandidates(scope, rowTest, wantSure)), rows };
}

/** Cheap and selective parts first: the others may then be left out. */
function rank(plan: Plan): number {
  if (plan.kind !== "leaf") return 2;
  return plan.postings.length > 0 && !prefersRowTest(plan) ? 0 : 1;
}

async function andCandidates(scope: Scope, parts: readonly Plan[], wantSure: boolean): Promise<Candidates> {
  let rows: Bitmap | undefined;
  let sure = true;
  const conditions: (Condition | undefined)[] = [];
  for (const part of [...parts].sort((one, two) => rank(one) - rank(two))) {
    if (!wantSure && rows !== undefined && rows.count() <= fewRows) {
      sure = false;
      break;
    }
    const found = await evaluatePlan(scope, part, wantSure);
    sure &&= found.sure;
    conditions.push(found.where);
    if (found.rows !== undefined) rows = rows === undefined ? found.rows : rows.and(found.rows);
    if (rows?.isEmpty() === true) return none(scope.unit);
  }
  return { rows, where: allConditions(conditions), sure };
}

async function orCandidates(scope: Scope, parts: readonly Plan[], wantSure: boolean): Promise<Candidates> {
  const found: Candidates[] = [];
  for (const part of parts) {
    const candidates = await evaluatePlan(scope, part, wantSure);
    if (candidates.rows === undefined && candidates.where === undefined) return candidates;
    found.push(candidates);
  }
  const sure = found.every((candidates) => candidates.sure);
  const conditions = found.flatMap(({ rows, where }) => (rows === undefined && where !== undefined ? [where] : []));
  if (found.length > 0 && conditions.length === found.length) {
    return { rows: undefined, where: anyCondition(conditions), sure };
  }
  let rows = new Bitmap(scope.unit.rows);
  for (const candidates of found) rows = rows.or(await candidateRows(scope, candidates));
  return { rows, where: undefined, sure };
}

async function notCandidates(scope: Scope, inner: Plan): Promise<Candidates> {
  const found = await evaluatePlan(scope, inner, true);
  if (!found.sure) return all;
  const { rows, where } = found;
  if (rows !== undefined) return { rows: (await candidateRows(scope, found)).not(), where: undefined, sure: true };
  if (where === undefined) return none(scope.unit);
  return { rows: undefined, where: (parameters) => `NOT (${where(parameters)})`, sure: true };
}

/**
 * Narrows a unit down to the rows that may match. With `wantSure` it takes the trouble to decide exactly where the
 * tables can; without, only what spares more lines than it costs.
 */
export async function evaluatePlan(scope: Scope, plan: Plan, wantSure: boolean): Promise<Candidates> {
  switch (plan.kind) {
    case "leaf":
      return leafCandidates(scope, plan, wantSure);
    case "and":
      return andCandidates(scope, plan.of, wantSure);
    case "or":
      return orCandidates(scope, plan.of, wantSure);
    case "not":
      return notCandidates(scope, plan.of);
  }
}
