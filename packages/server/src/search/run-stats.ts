import { timeText } from "@evident/core";
import { statusColumn } from "./columns.ts";
import { type Condition, i64, rowsOf, type ScratchTable, u32 } from "./duck.ts";
import { chooseBuckets } from "./histogram.ts";
import type { Wanted } from "./match-lines.ts";
import { planSearch, type Running, unitsFor } from "./run-query.ts";
import { type Selection, selectRows } from "./select-rows.ts";
import { topValues } from "./top-values.ts";
import type { Stats } from "./types.ts";
import { ValueCounts } from "./value-counts.ts";

/** A request for statistics as the worker gets it. */
export interface StatsRequest extends Wanted {
  readonly intervalMs: number | undefined;
  /** Canonical names of fields. */
  readonly top: readonly string[];
  readonly topLimit: number;
}

/** Statistics but for the positions; `top` stands in the order of the request. */
export interface StatsResult extends Pick<Stats, "count" | "intervalMs" | "buckets"> {
  readonly top: readonly (readonly { readonly value: string; readonly count: number }[])[];
}

const defaultIntervalMs = 60_000;

/** One statement over the selected rows of all units; `write` gets the number of the selection. */
function overUnits(
  selections: readonly Selection[],
  write: (number: number, selection: Selection) => string,
): Condition {
  return (parameters) =>
    selections
      .map((selection, number) => {
        const where = selection.condition(parameters);
        return `${write(number, selection)} FROM ${selection.unit.table} WHERE ${where}`;
      })
      .join(" UNION ALL ");
}

interface Extent {
  readonly count: number;
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

async function extentOf(selections: readonly Selection[], { lease, signal }: Running): Promise<Extent> {
  const each = overUnits(selections, () => "SELECT count(*) AS n, min(t) AS low, max(t) AS high");
  const chunks = await lease.duck.select(
    (parameters) => `SELECT sum(n), min(low), max(high) FROM (${each(parameters)})`,
    signal,
  );
  const [count, low, high] = rowsOf(chunks)[0] ?? [];
  return { count: Number(count ?? 0), minNs: (low ?? 0n) as bigint, maxNs: (high ?? 0n) as bigint };
}

/** Names of the outcomes of a unit by code. */
async function statusNames({ unit }: Selection, { lease, signal }: Running): Promise<ReadonlyMap<number, string[]>> {
  const sql = `SELECT code, value FROM ${unit.dictTable} WHERE field = $1`;
  const names = new Map<number, string[]>();
  for (const [code, value] of rowsOf(await lease.duck.read(sql, [u32(statusColumn)], signal))) {
    const known = names.get(Number(code)) ?? [];
    names.set(Number(code), [...known, String(value)]);
  }
  return names;
}

interface Bucket {
  count: number;
  readonly byStatus: Map<string, number>;
}

async function histogram(
  selections: readonly Selection[],
  extent: Extent,
  askedMs: number | undefined,
  running: Running,
): Promise<Pick<Stats, "intervalMs" | "buckets">> {
  const { widthNs, startNs, intervalMs } = chooseBuckets(askedMs, extent.minNs, extent.maxNs);
  // Only times centuries apart need more than 64 bits for their difference.
  const wide = extent.maxNs - startNs >= 2n ** 62n ? "::HUGEINT" : "";
  const each = overUnits(selections, (number) => `SELECT ${number} AS u, t, c${statusColumn} AS s`);
  const chunks = await running.lease.duck.select(
    (parameters) =>
      `SELECT u, (t${wide} - ${parameters.add(i64(startNs))}) // ${parameters.add(i64(widthNs))} AS b, s, count(*)
       FROM (${each(parameters)}) GROUP BY u, b, s`,
    running.signal,
  );
  const names = await Promise.all(selections.map((selection) => statusNames(selection, running)));
  const buckets = new Map<number, Bucket>();
  for (const [unit, bucket, status, count] of rowsOf(chunks)) {
    const at = Number(bucket);
    const known = buckets.get(at) ?? { count: 0, byStatus: new Map<string, number>() };
    buckets.set(at, known);
    known.count += Number(count);
    for (const name of names[Number(unit)]?.get(Number(status)) ?? []) {
      known.byStatus.set(name, (known.byStatus.get(name) ?? 0) + Number(count));
    }
  }
  const startMs = Number(startNs / 1_000_000n);
  return {
    intervalMs,
    buckets: [...buckets]
      .sort(([one], [two]) => one - two)
      .map(([at, { count, byStatus }]) => ({
        from: timeText(startMs + at * intervalMs),
        count,
        byStatus: Object.fromEntries([...byStatus].sort(([one], [two]) => (one < two ? -1 : 1))),
      })),
  };
}

async function gather(
  request: StatsRequest,
  running: Running,
  scratch: { readonly rows: ScratchTable; readonly values: ScratchTable },
): Promise<StatsResult> {
  const search = planSearch(request);
  const counts = new ValueCounts(request.top, scratch.values);
  const selections: Selection[] = [];
  for (const [number, unit] of unitsFor(running.lease, search).entries()) {
    const selection = await selectRows({ unit, number, search, counts, running, scratch: scratch.rows });
    if (selection !== undefined) selections.push(selection);
  }
  counts.flush();
  const extent = selections.length === 0 ? undefined : await extentOf(selections, running);
  if (extent === undefined || extent.count === 0) {
    const intervalMs = request.intervalMs ?? defaultIntervalMs;
    return { count: 0, intervalMs, buckets: [], top: request.top.map(() => []) };
  }
  const top: StatsResult["top"][number][] = [];
  for (const [field] of request.top.entries()) top.push(await topValues(field, selections, counts, request, running));
  return { count: extent.count, ...(await histogram(selections, extent, request.intervalMs, running)), top };
}

/** Counts matching entries over time and by value, exactly. */
export async function runStats(request: StatsRequest, running: Running): Promise<StatsResult> {
  const { duck } = running.lease;
  return duck.withTable("unit UINTEGER, row UINTEGER", (rows) =>
    duck.withTable("field UINTEGER, value VARCHAR, n UINTEGER", (values) => gather(request, running, { rows, values })),
  );
}
