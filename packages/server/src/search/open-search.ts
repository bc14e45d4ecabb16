import { checkQuery, checkStats, findRequest } from "./check-query.ts";
import { Limiter } from "./limiter.ts";
import { unpackLines } from "./line-pack.ts";
import type { QueryAnswer } from "./messages.ts";
import { reconcile } from "./reconcile.ts";
import { SearchHost } from "./search-host.ts";
import type { Hit, Search, SearchOptions } from "./types.ts";

/** Searches under way in the index at a time; more only take memory from each other. */
const searchesAtOnce = 4;
const mostWaiting = 64;

function hitsOf({ pack, places }: QueryAnswer): Hit[] {
  return unpackLines(pack).flatMap((entry, at): Hit[] => {
    const place = places[at];
    return place === undefined ? [] : [{ ...place, entry }];
  });
}

/** A server that was stopped shortly finds what it found before as soon as it listens again. */
const catchUpMs = 5_000;

/**
 * Opens the index below `options.dir` and keeps it up with the ledger: immutable segments and a hot table in DuckDB,
 * opened by one thread only (DESIGN §7). An index that is missing, damaged, of another version or of another ledger is
 * rebuilt. Resolves when all that the ledger holds is searchable, after 5 seconds at the latest: the rest is caught up
 * meanwhile (`waitIndexed`).
 *
 * Nothing is lost by killing the process: rows that are in no sealed segment are read from the ledger again.
 *
 * @throws EvidentError `internal` when the index can neither be opened nor begun
 */
export async function openSearch(options: SearchOptions): Promise<Search> {
  const { ledger } = options;
  const host = new SearchHost(options);
  const limiter = new Limiter(searchesAtOnce, mostWaiting);
  let queries = 0;
  try {
    await host.start();
    await host.catchUp(AbortSignal.timeout(catchUpMs));
  } catch (cause) {
    await host.close();
    throw cause;
  }
  const limited = <T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
    queries++;
    return limiter.run(task, signal);
  };
  return {
    query: (query, signal) =>
      limited(async () => {
        const answer = await host.call("query", checkQuery(query, Date.now()), { signal });
        const { cursor, indexed } = answer;
        return { hits: hitsOf(answer), indexed, ...(cursor === undefined ? {} : { cursor }) };
      }, signal),
    stats: (query, signal) =>
      limited(async () => {
        const { top, ...stats } = await host.call("stats", checkStats(query, Date.now()), { signal });
        const named = (query.top ?? []).map((field, at) => [field, top[at] ?? []] as const);
        return { ...stats, top: Object.fromEntries(named) };
      }, signal),
    find: (id, trails, signal) =>
      limited(async () => hitsOf(await host.call("query", findRequest(id, trails), { signal })), signal),
    indexed: () => host.indexedSizes(),
    waitIndexed: (sizes, signal) => host.waitIndexed(sizes, signal),
    reconcile: ({ full, signal }) => reconcile({ host, ledger, full, signal }),
    counters: () => ({ ...host.counters(), queries }),
    close: () => host.close(),
  };
}
