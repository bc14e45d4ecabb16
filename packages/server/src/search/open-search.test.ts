import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { openSearch } from "./open-search.ts";
import { LineLedger, naiveHits, naiveStats } from "./testing/index.ts";
import type { Search, SearchOptions } from "./types.ts";

const users = ["alice@example.com", "bob@example.com", "Carol", "dave-7"];
const statuses = ["success", "success", "success", "denied", "failure"];

/** Line `n` of a log with enough variety to tell queries apart. */
function lineOf(n: number): string {
  const at = new Date(Date.UTC(2026, 2, 1) + n * 1_000 - (n % 7) * 900).toISOString().slice(0, -1);
  const time = `${at}000000Z`;
  if (n % 50 === 49) {
    return JSON.stringify({ v: 1, kind: "statement", received: time, sent: "s", statement: { type: "start", n } });
  }
  return JSON.stringify({
    v: 1,
    kind: "event",
    received: time,
    sent: "s",
    event: {
      v: 1,
      id: `id-${n}`,
      time: { occurred: time, precision: "ms", basis: "event" },
      actor: { type: "user", id: users[n % users.length], ns: "okta" },
      action: { op: n % 3 === 0 ? "READ" : "UPDATE", name: `invoice.${n % 5}`, kind: "api" },
      resources: [{ type: "invoice", id: `invoice/${n % 97}` }],
      outcome: { status: statuses[n % statuses.length] },
      source: { ip: `10.${n % 4}.0.${n % 200}`, userAgent: `agent/${n % 6}` },
      trace: { requestId: `req-${n.toString(16).padStart(8, "0")}` },
      origin: { tenant: "acme", source: "app", system: "app", adapter: "sdk" },
      ...(n % 11 === 0 ? { detail: { note: `ticket T${n} opened: drop table`, size: n * 1_000 } } : {}),
    },
  });
}

function commit(ledger: LineLedger, trail: string, from: number, to: number, batch = 300): void {
  for (let at = from; at < to; at += batch) {
    ledger.commit(
      trail,
      Array.from({ length: Math.min(batch, to - at) }, (_, i) => lineOf(at + i)),
    );
  }
}

async function open(ledger: LineLedger, dir: string, more: Partial<SearchOptions> = {}): Promise<Search> {
  const search = await openSearch({ dir, ledger, segmentRows: 1_024, ...more });
  await search.waitIndexed(ledger.sizes(), AbortSignal.timeout(30_000));
  return search;
}

const texts = [
  "",
  "outcome.status:denied",
  "actor:alice@example.com status:denied",
  "carol",
  '"drop table"',
  "T110",
  "*icket*",
  "request:req-000003e8",
  "ip:10.1.0.0/16",
  "not status:success",
  "carol or status:failure",
  "not (carol or status:failure) and resource:invoice/9*",
  "time:>2026-03-01T00:20:00Z",
  "detail.size:>500000",
  "index:<10",
  "index:77",
  "kind:statement",
  "agent/3",
  "time.occurred:<2026-03-01T00:01:00Z",
  "nothing-like-this",
];
const trails = ["main", "other"];

describe("openSearch", () => {
  it("finds what a scan finds, over hot rows and segments, in both orders", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commit(ledger, "main", 0, 3_000);
    commit(ledger, "other", 1_500, 2_200);
    const search = await open(ledger, dir.path);
    expect(search.counters()).toMatchObject({ rows: 3_700, behind: 0 });
    expect(search.counters().segments).toBeGreaterThan(1);
    for (const text of texts) {
      const hits = naiveHits(ledger, { text, trails });
      const oldest = await search.query({ text, trails, limit: 10_000, order: "oldest" });
      const address = ({ trail, index }: { trail: string; index: number }): string => `${trail}:${index}`;
      expect({ text, hits: oldest.hits.map(address) }).toEqual({ text, hits: hits.map(address) });
      expect(oldest.hits.map(({ entry }) => Buffer.from(entry).toString())).toEqual(hits.map(({ line }) => line));
      const newest = await search.query({ text, trails: ["main"], limit: 100, order: "newest" });
      const main = naiveHits(ledger, { text, trails: ["main"] })
        .reverse()
        .slice(0, 100);
      expect({ text, hits: newest.hits.map(address) }).toEqual({ text, hits: main.map(address) });
    }
    await search.close();
  });

  it("counts what a scan counts", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commit(ledger, "main", 0, 3_000);
    commit(ledger, "other", 1_500, 2_200);
    const search = await open(ledger, dir.path);
    const top = ["actor.id", "resource", "status", "source.userAgent", "trail", "index"];
    for (const text of texts) {
      const { indexed, ...stats } = await search.stats({ text, trails, intervalMs: 60_000, top, topLimit: 5 });
      const wanted = naiveStats(naiveHits(ledger, { text, trails }), 60_000, top, 5);
      expect({ text, ...stats }).toEqual({ text, ...wanted, intervalMs: 60_000 });
      expect(indexed).toEqual(ledger.sizes());
    }
    await search.close();
  });
});
