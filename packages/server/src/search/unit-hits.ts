import { type CandidateRow, CandidateRows, trailCodes } from "./candidate-rows.ts";
import { allConditions, type Condition } from "./duck.ts";
import { type Candidates, evaluatePlan, type Scope, timeCandidates } from "./evaluate-plan.ts";
import type { LineMatcher, Wanted } from "./match-lines.ts";
import type { Plan } from "./plan.ts";
import type { Order, RowKey } from "./row-key.ts";

/** A search over units. */
export interface SearchPlan extends Wanted {
  readonly plan: Plan;
}

/** An entry that matches, with its place. */
export interface UnitHit extends RowKey {
  readonly line: Buffer;
}

/** That a row lies in the searched trails; undefined when all of the unit's rows do. */
function trailCondition(scope: Scope, trails: readonly string[]): Condition | undefined {
  const codes = trailCodes(scope, trails).map(({ code }) => code);
  if (codes.length === scope.unit.trails.size) return undefined;
  return () => (codes.length === 0 ? "false" : `c0 IN (${codes.join(", ")})`);
}

/** Rows of a unit that may match a search, or exactly those that do where the tables can tell and it is wanted. */
export async function findCandidates(scope: Scope, search: SearchPlan, wantSure: boolean): Promise<Candidates> {
  const found = await evaluatePlan(scope, search.plan, wantSure);
  const { from, to } = search;
  const range: Candidates | undefined =
    from === undefined && to === undefined ? undefined : timeCandidates(scope.unit, { kind: "time", from, before: to });
  return {
    rows: found.rows,
    where: allConditions([found.where, range?.where, trailCondition(scope, search.trails)]),
    sure: found.sure && range?.sure !== false,
  };
}

/** Whether no row of the unit can match, by its trails and times. */
export function isOutside({ unit }: Pick<Scope, "unit">, search: SearchPlan, bounds: TimeBounds): boolean {
  if (!search.trails.some((trail) => unit.trails.has(trail))) return true;
  if (unit.oddTimes > 0) return false;
  const { low, high } = bounds;
  return (low !== undefined && unit.maxTimeNs < low) || (high !== undefined && unit.minTimeNs >= high);
}

/** A range of time as numbers, half-open; a bound that is no number bounds nothing. */
export interface TimeBounds {
  readonly low: bigint | undefined;
  readonly high: bigint | undefined;
}

const firstLines = 64;
const mostLines = 1_024;

/** The hits of one unit in order, found as they are asked for. */
export class UnitHits {
  private readonly scope: Scope;
  private readonly matcher: LineMatcher;
  private readonly pause: () => Promise<void>;
  private readonly rows: CandidateRows;
  private waiting: readonly CandidateRow[] = [];
  private at = 0;
  private lines = firstLines;
  private hits: readonly UnitHit[] = [];
  private nextHit = 0;

  private constructor(scope: Scope, rows: CandidateRows, options: UnitHitOptions) {
    this.scope = scope;
    this.rows = rows;
    this.matcher = options.matcher;
    this.pause = options.pause;
  }

  static async open(scope: Scope, search: SearchPlan, options: UnitHitOptions): Promise<UnitHits> {
    const candidates = await findCandidates(scope, search, false);
    const rows = new CandidateRows(scope, candidates, { ...options, trails: search.trails });
    const hits = new UnitHits(scope, rows, options);
    if (candidates.rows?.isEmpty() !== true) await hits.fill();
    return hits;
  }

  /** The next hit; undefined at the end. */
  get head(): UnitHit | undefined {
    return this.hits[this.nextHit];
  }

  /** Moves on to the hit after `head`. */
  async advance(): Promise<void> {
    if (++this.nextHit >= this.hits.length) await this.fill();
  }

  private async fill(): Promise<void> {
    this.hits = [];
    this.nextHit = 0;
    while (this.hits.length === 0) {
      if (this.at >= this.waiting.length) {
        this.waiting = await this.rows.next();
        this.at = 0;
        if (this.waiting.length === 0) return;
      }
      const some = this.waiting.slice(this.at, this.at + this.lines);
      this.at += some.length;
      this.lines = Math.min(mostLines, this.lines * 2);
      this.hits = await this.match(some);
    }
  }

  private async match(rows: readonly CandidateRow[]): Promise<readonly UnitHit[]> {
    const { pause, scope } = this;
    const numbers = rows.map(({ row }) => row);
    const lines = await this.matcher.matching(scope.unit, numbers, { pause, signal: scope.signal });
    if (lines.length === 0) return [];
    const byRow = new Map(rows.map((row) => [row.row, row]));
    return lines.flatMap(({ row, line }): UnitHit[] => {
      const place = byRow.get(row);
      return place === undefined ? [] : [{ ...place, line }];
    });
  }
}

/** How the hits of a unit are read. */
export interface UnitHitOptions {
  readonly matcher: LineMatcher;
  readonly order: Order;
  readonly after: RowKey | undefined;
  readonly pause: () => Promise<void>;
}
