import { timeNs } from "./extract.ts";
import type { Lease } from "./index-store.ts";
import { LineMatcher, type Wanted } from "./match-lines.ts";
import { planPredicate } from "./plan.ts";
import { compareKeys, formatCursor, type Order, parseCursor, type RowKey } from "./row-key.ts";
import type { Unit } from "./unit.ts";
import { isOutside, type SearchPlan, type TimeBounds, type UnitHit, UnitHits } from "./unit-hits.ts";

/** A query as the worker gets it. */
export interface QueryRequest extends Wanted {
  readonly cursor: string | undefined;
  /** Undefined: all hits, as many as there are. */
  readonly limit: number | undefined;
  readonly order: Order;
}

/** Hits in order, and where the next page begins. */
export interface QueryResult {
  readonly hits: readonly UnitHit[];
  readonly cursor: string | undefined;
}

/** What a running query is given besides its request. */
export interface Running {
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly pause: () => Promise<void>;
}

/** Lines of one page together. */
const maxPageBytes = 16 * 1_024 * 1_024;

/** Prepares a search for units. */
export function planSearch(wanted: Wanted): SearchPlan {
  const { predicate, trails, from, to } = wanted;
  return { predicate, trails, from, to, plan: planPredicate(predicate) };
}

/** The units in which a search may find something. */
export function unitsFor(lease: Lease, search: SearchPlan): Unit[] {
  const { from, to } = search;
  const bounds: TimeBounds = {
    low: from === undefined ? undefined : timeNs(from),
    high: to === undefined ? undefined : timeNs(to),
  };
  return lease.units.filter((unit) => !isOutside({ unit }, search, bounds));
}

/** Merges the hits of units, opening a unit only when its times make it possible that it holds the next hit. */
class MergedHits {
  private readonly open: (unit: Unit) => Promise<UnitHits>;
  private readonly order: Order;
  private readonly closed: Unit[];
  private opened: UnitHits[] = [];

  constructor(units: readonly Unit[], order: Order, open: (unit: Unit) => Promise<UnitHits>) {
    this.order = order;
    this.open = open;
    // The next to be opened stands last.
    const bound = (unit: Unit): bigint => this.boundOf(unit);
    const ascending = [...units].sort((one, two) => (bound(one) < bound(two) ? -1 : bound(one) > bound(two) ? 1 : 0));
    this.closed = order === "newest" ? ascending : ascending.reverse();
  }

  private boundOf(unit: Unit): bigint {
    return this.order === "newest" ? unit.maxTimeNs : unit.minTimeNs;
  }

  private first(): UnitHits | undefined {
    let first: UnitHits | undefined;
    for (const hits of this.opened) {
      if (hits.head === undefined) continue;
      if (first?.head === undefined || compareKeys(hits.head, first.head, this.order) < 0) first = hits;
    }
    return first;
  }

  private mayComeFirst(unit: Unit, head: RowKey | undefined): boolean {
    if (head === undefined) return true;
    const bound = this.boundOf(unit);
    return this.order === "newest" ? bound >= head.timeNs : bound <= head.timeNs;
  }

  /** The source of the next hit; undefined when there is none. */
  async next(): Promise<UnitHits | undefined> {
    for (;;) {
      const first = this.first();
      const unit = this.closed.at(-1);
      if (unit === undefined || !this.mayComeFirst(unit, first?.head)) return first;
      this.closed.pop();
      const hits = await this.open(unit);
      if (hits.head !== undefined) this.opened.push(hits);
    }
  }

  drop(hits: UnitHits): void {
    this.opened = this.opened.filter((one) => one !== hits);
  }
}

/** Finds a page of entries, newest units first, and stops when it is full. */
export async function runQuery(request: QueryRequest, running: Running): Promise<QueryResult> {
  const { lease, signal, pause } = running;
  const { order, limit } = request;
  const after = request.cursor === undefined ? undefined : parseCursor(request.cursor, order);
  const search = planSearch(request);
  const matcher = new LineMatcher(request);
  const units = unitsFor(lease, search).filter((unit) => after === undefined || !isPassed(unit, after, order));
  const merged = new MergedHits(units, order, (unit) =>
    UnitHits.open({ duck: lease.duck, unit, signal }, search, { matcher, order, after, pause }),
  );
  const hits: UnitHit[] = [];
  let bytes = 0;
  for (let source = await merged.next(); source !== undefined; source = await merged.next()) {
    const hit = source.head;
    if (hit === undefined) break;
    const last = hits.at(-1);
    const isFull = hits.length === limit || bytes + hit.line.length > maxPageBytes;
    if (limit !== undefined && last !== undefined && isFull) return { hits, cursor: formatCursor(last, order) };
    hits.push(hit);
    bytes += hit.line.length;
    if (hits.length === limit) return { hits, cursor: formatCursor(hit, order) };
    await source.advance();
    if (source.head === undefined) merged.drop(source);
  }
  return { hits, cursor: undefined };
}

function isPassed(unit: Unit, after: RowKey, order: Order): boolean {
  return order === "newest" ? unit.minTimeNs > after.timeNs : unit.maxTimeNs < after.timeNs;
}
