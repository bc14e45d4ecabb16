import type { Bitmap } from "./bitmap.ts";
import { allConditions, type Condition, type DuckDBDataChunk, i64 } from "./duck.ts";
import { type Candidates, conditionOf, rowList, type Scope } from "./evaluate-plan.ts";
import type { Order, RowKey } from "./row-key.ts";

/** A row that may match, with its place in the order. */
export interface CandidateRow extends RowKey {
  readonly row: number;
}

const firstBatch = 256;
const largestBatch = 16_384;
const spanGrowth = 16n;
/** Above this share of a unit's rows, passing over the others costs less than sending a list. */
const denseShare = 8;

/** Candidates of a unit in order, fetched in batches that grow. */
export class CandidateRows {
  private readonly scope: Scope;
  private readonly order: Order;
  private readonly trails: readonly { readonly name: string; readonly code: number }[];
  private readonly condition: Condition;
  private readonly passes: Bitmap | undefined;
  private after: RowKey | undefined;
  private batch = firstBatch;
  private atEnd = false;
  /** Time that a batch spans; grows while it is not full. */
  private spanNs: bigint;

  /** @param trails the searched trails */
  constructor(scope: Scope, candidates: Candidates, options: CandidateOptions) {
    const { unit } = scope;
    this.scope = scope;
    this.order = options.order;
    this.after = options.after;
    this.trails = trailCodes(scope, options.trails);
    const { rows, where } = candidates;
    const isDense = rows !== undefined && rows.count() * denseShare > unit.rows;
    this.passes = isDense ? rows : undefined;
    const list = rows === undefined || isDense ? undefined : rowList(rows.rows());
    const base = conditionOf(unit, { rows: undefined, where, sure: false });
    this.condition = allConditions([base, list]) ?? base;
    const allNs = unit.maxTimeNs - unit.minTimeNs;
    this.spanNs = list === undefined ? 1n + (allNs * BigInt(firstBatch * 2)) / BigInt(unit.rows) : allNs + 1n;
  }

  /** The next candidates; none at the end. */
  async next(): Promise<readonly CandidateRow[]> {
    while (!this.atEnd) {
      const rows = await this.fetch();
      const { passes } = this;
      const passed = passes === undefined ? rows : rows.filter(({ row }) => passes.has(row));
      if (passed.length > 0) return passed;
    }
    return [];
  }

  private async fetch(): Promise<readonly CandidateRow[]> {
    const { unit, duck, signal } = this.scope;
    const limit = this.batch;
    this.batch = Math.min(largestBatch, limit * 4);
    const direction = this.order === "newest" ? "DESC" : "ASC";
    const edge = this.edgeOfSpan();
    const where = allConditions([
      this.condition,
      this.after && this.afterCondition(this.after),
      edge === undefined ? undefined : this.withinCondition(edge),
    ]);
    const trailRank = this.trailRank();
    const chunks = await duck.select(
      (parameters) => `SELECT row, t, idx, c0 FROM ${unit.table} WHERE ${where?.(parameters) ?? "true"}
        ORDER BY t ${direction}, ${trailRank === undefined ? "" : `${trailRank} ${direction}, `}idx ${direction} LIMIT ${limit}`,
      signal,
    );
    const rows = chunks.flatMap((chunk) => this.rowsIn(chunk));
    this.after = rows.at(-1) ?? this.after;
    this.atEnd = rows.length < limit && edge === undefined;
    if (rows.length < limit) this.spanNs *= spanGrowth;
    return rows;
  }

  /** Column by column: rows as arrays of values would take longer than finding them. */
  private rowsIn(chunk: DuckDBDataChunk): CandidateRow[] {
    const [row, time, index, code] = [0, 1, 2, 3].map((column) => chunk.getColumnVector(column));
    return Array.from({ length: chunk.rowCount }, (_, at) => ({
      row: Number(row?.getItem(at)),
      timeNs: time?.getItem(at) as bigint,
      trail: this.scope.unit.trailName(Number(code?.getItem(at))),
      index: Number(index?.getItem(at)),
    }));
  }

  /** Time up to which the next batch is looked for, so that sorting need not read the whole unit; undefined: all. */
  private edgeOfSpan(): bigint | undefined {
    const { minTimeNs, maxTimeNs } = this.scope.unit;
    if (this.order === "newest") {
      const start = this.after === undefined || this.after.timeNs > maxTimeNs ? maxTimeNs : this.after.timeNs;
      return start - this.spanNs <= minTimeNs ? undefined : start - this.spanNs;
    }
    const start = this.after === undefined || this.after.timeNs < minTimeNs ? minTimeNs : this.after.timeNs;
    return start + this.spanNs >= maxTimeNs ? undefined : start + this.spanNs;
  }

  private withinCondition(edge: bigint): Condition {
    const sign = this.order === "newest" ? ">=" : "<=";
    return (parameters) => `t ${sign} ${parameters.add(i64(edge))}`;
  }

  /** SQL that gives a trail's place among the searched ones; undefined when there is no choice. */
  private trailRank(): string | undefined {
    if (this.trails.length < 2) return undefined;
    return `CASE c0 ${this.trails.map(({ code }, at) => `WHEN ${code} THEN ${at}`).join(" ")} END`;
  }

  private afterCondition({ timeNs, trail, index }: RowKey): Condition {
    const isNewest = this.order === "newest";
    const sign = isNewest ? "<" : ">";
    const beyond = this.trails.filter(({ name }) => (isNewest ? name < trail : name > trail)).map(({ code }) => code);
    const same = this.trails.find(({ name }) => name === trail);
    return (parameters) => {
      const t = parameters.add(i64(timeNs));
      const ties = [
        ...(beyond.length > 0 ? [`c0 IN (${beyond.join(", ")})`] : []),
        ...(same === undefined ? [] : [`(c0 = ${same.code} AND idx ${sign} ${parameters.add(i64(BigInt(index)))})`]),
      ];
      // The plain bound is what zone maps understand.
      return ties.length === 0 ? `t ${sign} ${t}` : `t ${sign}= ${t} AND (t ${sign} ${t} OR ${ties.join(" OR ")})`;
    };
  }
}

/** What is read, and from where on. */
export interface CandidateOptions {
  readonly trails: readonly string[];
  readonly order: Order;
  readonly after: RowKey | undefined;
}

/** The searched trails that a unit holds, in order of their names. */
export function trailCodes(
  { unit }: Pick<Scope, "unit">,
  trails: readonly string[],
): readonly { readonly name: string; readonly code: number }[] {
  return [...trails].sort().flatMap((name) => {
    const code = unit.trailCode(name);
    return code === undefined ? [] : [{ name, code }];
  });
}
