import { EvidentError } from "@evident/core";
import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { openSearch } from "./open-search.ts";
import { addressOf, commitLines, LineLedger, naiveHits, openIndexed } from "./testing/index.ts";
import type { Search, SearchQuery } from "./types.ts";

async function readAll(search: Search, query: SearchQuery, between: () => void = () => undefined): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await search.query({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.hits.map(addressOf));
    ({ cursor } = page);
    if (cursor === undefined) return found;
    between();
  }
}

describe("paging", () => {
  it("shows every entry once in either order, while entries arrive", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commitLines(ledger, "main", 0, 2_500);
    commitLines(ledger, "other", 1_000, 1_700);
    const search = await openIndexed(ledger, dir.path);
    const trails = ["main", "other"];
    const before = naiveHits(ledger, { trails }).map(addressOf);
    let next = 2_500;
    const grow = (): void => {
      commitLines(ledger, "main", next, next + 40);
      next += 40;
    };
    const newest = await readAll(search, { trails, limit: 37, order: "newest" }, grow);
    expect(newest).toEqual([...before].reverse());
    const oldest = await readAll(search, { trails, limit: 97, order: "oldest" }, grow);
    expect(new Set(oldest).size).toBe(oldest.length);
    expect(oldest.slice(0, before.length)).toEqual(before);
    await search.close();
  });

  it("pages through a filter", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commitLines(ledger, "main", 0, 2_500);
    const search = await openIndexed(ledger, dir.path);
    const query = { text: "status:denied carol or agent/3", trails: ["main"] };
    const wanted = naiveHits(ledger, query).map(addressOf);
    for (const limit of [7, 500]) {
      expect(await readAll(search, { ...query, limit, order: "oldest" })).toEqual(wanted);
      expect(await readAll(search, { ...query, limit, order: "newest" })).toEqual([...wanted].reverse());
    }
    await search.close();
  });

  it("ends a page at 16 MiB and goes on from there", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    const note = "x".repeat(60_000);
    const line = (n: number): string =>
      `{"v":1,"kind":"event","received":"2026-03-01T00:00:${String(n % 60).padStart(2, "0")}.000000000Z","sent":"s","event":{"detail":{"note":"${note}"}}}`;
    ledger.commit(
      "main",
      Array.from({ length: 600 }, (_, n) => line(n)),
    );
    const search = await openIndexed(ledger, dir.path);
    const query: SearchQuery = { trails: ["main"], limit: 10_000, order: "newest" };
    const page = await search.query(query);
    expect(page.hits.length).toBeLessThan(600);
    expect(page.hits.reduce((sum, { entry }) => sum + entry.length, 0)).toBeLessThanOrEqual(16 * 1_024 * 1_024);
    expect(new Set(await readAll(search, query)).size).toBe(600);
    await search.close();
  });

  it("refuses cursors that no page gave, and limits out of range", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commitLines(ledger, "main", 0, 50);
    const search = await openIndexed(ledger, dir.path);
    const query: SearchQuery = { trails: ["main"], limit: 10, order: "newest" };
    const { cursor = "" } = await search.query(query);
    const refused = async (change: Partial<SearchQuery>): Promise<string | undefined> =>
      search.query({ ...query, ...change }).then(
        () => undefined,
        (error: unknown) => (error instanceof EvidentError ? `${error.code}: ${error.fix}` : String(error)),
      );
    for (const bad of [
      "x",
      "",
      `${cursor}A`,
      cursor.slice(1),
      "A".repeat(5_000),
      Buffer.from("1n5:x:main").toString("base64url"),
    ]) {
      expect(await refused({ cursor: bad })).toMatch(/^bad_request: Send `cursor`/);
    }
    expect(await refused({ cursor, order: "oldest" })).toMatch(/^bad_request: Keep `order`/);
    expect(await refused({ limit: 0 })).toMatch(/^bad_request: Give a whole number/);
    expect(await refused({ limit: 10_001 })).toMatch(/^bad_request/);
    expect(await refused({ text: "acter:bob" })).toMatch(/^bad_request: .*actor/);
    expect(await refused({ from: "yesterday" })).toMatch(/^bad_request/);
    expect(await refused({ cursor })).toBeUndefined();
    await search.close();
  });

  it("ends soon after an abort, with the signal's reason", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commitLines(ledger, "main", 0, 6_000, 1_000);
    const search = await openSearch({ dir: dir.path, ledger });
    await search.waitIndexed(ledger.sizes());
    const abort = new AbortController();
    const slow = search.query(
      { text: "detail.size:>99999999", trails: ["main"], limit: 10, order: "newest" },
      abort.signal,
    );
    const reason = new Error("gone");
    setTimeout(() => abort.abort(reason), 5);
    await expect(slow).rejects.toBe(reason);
    await expect(search.stats({ trails: ["main"] }, abort.signal)).rejects.toBe(reason);
    const fine = await search.query({ trails: ["main"], limit: 1, order: "newest" });
    expect(fine.hits).toHaveLength(1);
    await search.close();
  });

  it("refuses more searches than may wait", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commitLines(ledger, "main", 0, 100);
    const search = await openIndexed(ledger, dir.path);
    const query: SearchQuery = { text: "carol", trails: ["main"], limit: 10, order: "newest" };
    const settled = await Promise.allSettled(Array.from({ length: 100 }, () => search.query(query)));
    const codes = settled.flatMap((one) => (one.status === "rejected" ? [(one.reason as EvidentError).code] : []));
    expect(codes.length).toBe(100 - 4 - 64);
    expect(new Set(codes)).toEqual(new Set(["overloaded"]));
    expect((await search.query(query)).hits.length).toBe(10);
    await search.close();
  });
});
