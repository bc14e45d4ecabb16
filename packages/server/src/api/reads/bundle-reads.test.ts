import { makeDraft } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { startApi } from "../testing/index.ts";

interface ReadEntry {
  readonly event: {
    readonly action: { readonly name: string };
    readonly detail: { readonly first: number; readonly end: number; readonly until: string };
    readonly impact?: { readonly rows: string };
  };
}

type Api = Awaited<ReturnType<typeof startApi>>;

async function fetchesOf({ ledger }: Api): Promise<ReadEntry["event"][]> {
  const found: ReadEntry["event"][] = [];
  for await (const { entries } of ledger.entries("evident-reads", 0, Number.MAX_SAFE_INTEGER)) {
    for (const entry of entries) {
      const { event } = JSON.parse(Buffer.from(entry).toString()) as ReadEntry;
      if (event.action.name === "log.bundle") found.push(event);
    }
  }
  return found;
}

async function withEntries(count: number): Promise<Api> {
  const api = await startApi();
  const drafts = Array.from({ length: count }, (_, i) => makeDraft(`e${i}`));
  await api.ledger.append("main", drafts);
  await api.ledger.waitPublished("main", count);
  return api;
}

const bundle = (n: number): string => `/v1/trails/main/log/tile/entries/${String(n).padStart(3, "0")}`;

describe("the record of bundle fetches", () => {
  it("names the bundle of each single fetch, again for fetching it again", async () => {
    const api = await withEntries(3_000);
    for (const n of [4, 4, 4]) expect((await api.fetch(bundle(n))).status).toBe(200);
    expect((await api.fetch(bundle(99))).status).toBe(404);
    const fetches = await fetchesOf(api);
    expect(fetches).toHaveLength(3);
    for (const fetch of fetches) {
      expect(fetch).toMatchObject({ detail: { first: 1_024, end: 1_280 }, impact: { rows: "256" } });
      expect(Date.parse(fetch.detail.until)).toBeGreaterThan(Date.now());
    }
    const other = await api.makeKey({ role: "auditor", name: "other" });
    await api.fetch(bundle(5), { key: other.key });
    expect((await fetchesOf(api)).at(-1)).toMatchObject({ detail: { first: 1_280, end: 1_536 } });
    await api.close();
  });

  it("covers every fetch of an export before it is answered, in few entries", async () => {
    const api = await withEntries(20_000);
    const numbers = Array.from({ length: 78 }, (_, n) => n);
    for (let at = 0; at < numbers.length; at += 13) {
      const batch = numbers.slice(at, at + 13).reverse();
      await Promise.all(
        batch.map(async (n) => {
          const answer = await api.fetch(bundle(n));
          expect(answer.status).toBe(200);
          await answer.arrayBuffer();
          const covered = await fetchesOf(api);
          for (let index = n * 256; index < (n + 1) * 256; index += 256) {
            expect(covered.some(({ detail }) => detail.first <= index && index < detail.end)).toBe(true);
          }
        }),
      );
    }
    const fetches = await fetchesOf(api);
    expect(fetches.length).toBeLessThan(20);
    const before = fetches.length;
    await Promise.all(numbers.map((n) => api.fetch(bundle(n))));
    const more = (await fetchesOf(api)).length - before;
    expect(more).toBeGreaterThan(5);
    expect(more).toBeLessThan(20);
    expect(Math.max(...fetches.map(({ detail }) => detail.end))).toBeLessThanOrEqual(20_000);
    await api.close();
  });
});
