import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { commitLines, LineLedger, naiveHits, naiveStats, openIndexed } from "./testing/index.ts";

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
    commitLines(ledger, "main", 0, 3_000);
    commitLines(ledger, "other", 1_500, 2_200);
    const search = await openIndexed(ledger, dir.path);
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
    commitLines(ledger, "main", 0, 3_000);
    commitLines(ledger, "other", 1_500, 2_200);
    const search = await openIndexed(ledger, dir.path);
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
