import {
  compilePredicate,
  type EntryLike,
  entryTime,
  fieldTest,
  fromUtf8,
  lookUpField,
  parseEntry,
  parseSearch,
  valueText,
} from "@evident/core";
import type { SearchQuery, Stats, StatsQuery } from "../types.ts";
import type { LineLedger } from "./line-ledger.ts";

/** An entry with its place and time. */
export interface NaiveHit {
  readonly trail: string;
  readonly index: number;
  readonly time: string;
  readonly line: string;
  readonly entry: EntryLike;
}

/** What matches, by reading every line: oldest first. */
export function naiveHits(ledger: LineLedger, query: Omit<StatsQuery & SearchQuery, "limit" | "order">): NaiveHit[] {
  const parsed = parseSearch(query.text ?? "", { nowMs: Date.now() });
  if (!parsed.ok) throw new TypeError(`${query.text}: ${parsed.problem.message}`);
  const matches = compilePredicate(parsed.predicate);
  const { from = "", to = "~" } = query;
  const hits = query.trails.flatMap((trail) =>
    ledger.lines(trail).flatMap((bytes, index): NaiveHit[] => {
      const line = fromUtf8(bytes);
      const entry = parseEntry(line);
      const time = entryTime(entry) ?? "";
      return time >= from && time < to && matches(entry, { trail, index }) ? [{ trail, index, time, line, entry }] : [];
    }),
  );
  const key = ({ time, trail, index }: NaiveHit): string => `${time} ${trail} ${String(index).padStart(9, "0")}`;
  return hits.sort((one, two) => (key(one) < key(two) ? -1 : 1));
}

/** Counts and most frequent values of hits, by the letter of the contract. */
export function naiveStats(
  hits: readonly NaiveHit[],
  intervalMs: number,
  top: readonly string[],
  topLimit: number,
): Pick<Stats, "count" | "buckets" | "top"> {
  const buckets = new Map<number, { count: number; byStatus: Record<string, number> }>();
  const values = new Map(top.map((field) => [field, new Map<string, number>()]));
  for (const { time, entry, trail, index } of hits) {
    const start = Math.floor(Date.parse(time) / intervalMs) * intervalMs;
    const bucket = buckets.get(start) ?? { count: 0, byStatus: {} };
    buckets.set(start, bucket);
    bucket.count++;
    const status = textsOf("outcome.status", entry, trail, index)[0];
    if (status !== undefined) bucket.byStatus[status] = (bucket.byStatus[status] ?? 0) + 1;
    for (const [field, counts] of values) {
      for (const text of textsOf(field, entry, trail, index)) counts.set(text, (counts.get(text) ?? 0) + 1);
    }
  }
  return {
    count: hits.length,
    buckets: [...buckets]
      .sort(([one], [two]) => one - two)
      .map(([ms, bucket]) => ({ from: `${new Date(ms).toISOString().slice(0, -1)}000000Z`, ...bucket })),
    top: Object.fromEntries(
      [...values].map(([field, counts]) => [
        field,
        [...counts]
          .map(([value, count]) => ({ value, count }))
          .sort((one, two) => two.count - one.count || (one.value < two.value ? -1 : 1))
          .slice(0, topLimit),
      ]),
    ),
  };
}

function textsOf(written: string, entry: EntryLike, trail: string, index: number): string[] {
  const found = lookUpField(written);
  if (found.kind !== "known") throw new TypeError(`no field ${written}`);
  const texts = new Set<string>();
  fieldTest(found.field.name)(entry, { trail, index }, (value) => {
    const text = valueText(value);
    if (text !== undefined) texts.add(text);
    return false;
  });
  return [...texts];
}
