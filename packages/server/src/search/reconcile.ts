import type { LedgerReader } from "../ledger/index.ts";
import type { CheckedEntries } from "./check-entries.ts";
import { packLines } from "./line-pack.ts";
import type { SearchHost } from "./search-host.ts";
import type { Reconciliation } from "./types.ts";

type TrailVerdict = Reconciliation["trails"][number];

/** Entries compared in one call. */
const entriesAtOnce = 2_048;
const bytesAtOnce = 4 * 1_024 * 1_024;

/** What reconciling needs. */
export interface ReconcileOptions {
  readonly host: SearchHost;
  readonly ledger: LedgerReader;
  readonly full: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Compares the first `size` entries of a trail with what the index holds of them. */
async function checkTrail(
  { host, ledger, signal }: ReconcileOptions,
  trail: string,
  size: number,
): Promise<CheckedEntries> {
  const sum = { rows: 0, missing: 0, mismatched: 0 };
  let first = 0;
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  const check = async (): Promise<void> => {
    const pack = packLines(waiting);
    const found = await host.call("check", { trail, first, pack }, { signal, transfer: [pack] });
    sum.rows += found.rows;
    sum.missing += found.missing;
    sum.mismatched += found.mismatched;
    first += waiting.length;
    waiting = [];
    bytes = 0;
  };
  for await (const { entries } of ledger.entries(trail, 0, size)) {
    waiting.push(...entries);
    bytes += entries.reduce((total, entry) => total + entry.length, 0);
    if (waiting.length >= entriesAtOnce || bytes >= bytesAtOnce) await check();
  }
  if (waiting.length > 0) await check();
  return sum;
}

async function reconcileTrail(
  options: ReconcileOptions,
  trail: string,
  rows: number,
  position: number,
): Promise<TrailVerdict> {
  const ledger = options.ledger.trail(trail)?.size ?? 0;
  const counted = { trail, ledger, indexed: rows };
  if (!options.full)
    return { ...counted, missing: Math.max(0, position - rows), mismatched: Math.max(0, rows - position) };
  const found = await checkTrail(options, trail, Math.min(position, ledger));
  // Rows that stand for no entry of the ledger.
  const surplus = Math.max(0, rows - found.rows);
  return { ...counted, missing: found.missing, mismatched: found.mismatched + surplus };
}

/** Compares index and ledger: by count, or every entry. Entries that wait to be indexed are not missing. */
export async function reconcile(options: ReconcileOptions): Promise<Reconciliation> {
  const { host, ledger, signal } = options;
  const { rows, indexed } = await host.call("count", undefined, { signal });
  const names = new Set([...ledger.trails().map(({ name }) => name), ...Object.keys(indexed), ...Object.keys(rows)]);
  const trails: TrailVerdict[] = [];
  for (const name of [...names].sort()) {
    trails.push(await reconcileTrail(options, name, rows[name] ?? 0, indexed[name] ?? 0));
  }
  return { trails, agrees: trails.every(({ missing, mismatched }) => missing === 0 && mismatched === 0) };
}
