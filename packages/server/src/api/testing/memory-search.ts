import { compilePredicate, entryTime, fromUtf8, parseEntry, parseSearch } from "@evident/core";
import type { Ledger } from "../../ledger/index.ts";
import type { Hit, Search, SearchQuery } from "../../search/index.ts";

const COUNTERS = { rows: 0, hotRows: 0, segments: 0, seals: 0, queries: 0, behind: 0, catchUps: 0, restarts: 0 };

/** The search interface by reading every entry of the ledger: for tests of the API, whose index this is not. */
export function openMemorySearch(ledger: Ledger): Search {
  const sizes = (): Record<string, number> => Object.fromEntries(ledger.trails().map(({ name, size }) => [name, size]));
  async function matching(query: Pick<SearchQuery, "text" | "trails" | "from" | "to" | "nowMs">): Promise<Hit[]> {
    const parsed = parseSearch(query.text ?? "", { nowMs: query.nowMs ?? ledger.nowMs() });
    if (!parsed.ok) throw new TypeError("the API lets no such text through");
    const matches = compilePredicate(parsed.predicate);
    const hits: Hit[] = [];
    for (const trail of query.trails) {
      for await (const { first, entries } of ledger.entries(trail, 0, ledger.trail(trail)?.size ?? 0)) {
        for (const [i, entry] of entries.entries()) {
          const parsedEntry = parseEntry(fromUtf8(entry));
          const time = entryTime(parsedEntry) ?? "";
          if ((query.from !== undefined && time < query.from) || (query.to !== undefined && time >= query.to)) continue;
          if (matches(parsedEntry, { trail, index: first + i })) hits.push({ trail, index: first + i, entry });
        }
      }
    }
    return hits;
  }
  return {
    async query(query) {
      const hits = await matching(query);
      if (query.order === "newest") hits.reverse();
      const { after, cursor } = query;
      const behind = after && hits.findIndex(({ trail, index }) => trail === after.trail && index === after.index) + 1;
      const from = cursor === undefined ? (behind ?? 0) : Number(cursor);
      const page = hits.slice(from, from + query.limit);
      const end = from + page.length;
      return { hits: page, indexed: sizes(), ...(end < hits.length ? { cursor: String(end) } : {}) };
    },
    async stats(query) {
      const hits = await matching(query);
      return { count: hits.length, intervalMs: query.intervalMs ?? 60_000, buckets: [], top: {}, indexed: sizes() };
    },
    async find(id, trails) {
      const hits = await matching({ trails });
      return hits.filter(({ entry }) => {
        const { event } = JSON.parse(fromUtf8(entry)) as { event?: { id?: string } };
        return event?.id === id;
      });
    },
    indexed: sizes,
    waitIndexed: () => Promise.resolve(),
    reconcile: () =>
      Promise.resolve({
        trails: ledger
          .trails()
          .map(({ name, size }) => ({ trail: name, ledger: size, indexed: size, missing: 0, mismatched: 0 })),
        agrees: true,
      }),
    counters: () => COUNTERS,
    close: () => Promise.resolve(),
  };
}
