import { makeEvent } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NDJSON, readLines, send, startApi, type TestApi } from "../testing/index.ts";

interface Page {
  readonly events: readonly {
    readonly trail: string;
    readonly index: number;
    readonly entry: { readonly event: { readonly id: string } };
  }[];
  readonly cursor?: string;
  readonly indexed: Readonly<Record<string, number>>;
}

let api: TestApi;
const IDS = Array.from({ length: 57 }, (_, i) => `read-${String(i).padStart(2, "0")}`);
const SPECIAL = ["a/b?c=d&e#f", "ü".repeat(256), "%2F..%2f", "main:x", "日本/ id"];

beforeAll(async () => {
  api = await startApi();
  const text = [
    ...IDS.map((id, i) => makeEvent(id, `2026-03-${String(1 + (i % 3)).padStart(2, "0")}T08:00:00.0000000${10 + i}Z`)),
    ...SPECIAL.map((id) => makeEvent(id, "2026-04-01T00:00:00.000000000Z")),
  ].map((event) => JSON.stringify(event));
  await (await send(api, text.join("\n"), { type: NDJSON })).text();
});
afterAll(() => api.close());

async function page(query: string): Promise<Page> {
  const answer = await api.fetch(`/v1/events${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Page;
}

const idsOf = ({ events }: Page): string[] => events.map(({ entry }) => entry.event.id);

describe("GET /v1/events", () => {
  it.each(["newest", "oldest"])("gives every entry once, page by page, %s first", async (order) => {
    const found: string[] = [];
    let cursor = "";
    for (let pages = 0; pages < 20; pages += 1) {
      const next = await page(`?to=2026-03-31&limit=10&order=${order}${cursor === "" ? "" : `&cursor=${cursor}`}`);
      expect(next.events.length).toBeLessThanOrEqual(10);
      expect(next.indexed).toEqual({ main: IDS.length + SPECIAL.length });
      found.push(...idsOf(next));
      if (next.cursor === undefined) break;
      ({ cursor } = next);
    }
    expect(found).toHaveLength(IDS.length);
    expect(new Set(found)).toEqual(new Set(IDS));
  });

  it("gives the stored bytes of each entry, unchanged", async () => {
    const answer = await api.fetch("/v1/events?q=read-07&limit=1");
    const stored = Buffer.from((await api.ledger.entry("main", 7)) ?? []).toString();
    expect(await answer.text()).toContain(`{"trail":"main","index":7,"entry":${stored}}`);
  });

  it("gives a hit a line, and the cursor in a header, to those who ask for NDJSON", async () => {
    const answer = await api.fetch("/v1/events?limit=5", { headers: { accept: "application/x-ndjson" } });
    expect(answer.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(answer.headers.get("evident-cursor")).toMatch(/\S/);
    expect(await readLines(answer)).toHaveLength(5);
    const none = await api.fetch("/v1/events?q=nothing-like-it", { headers: { accept: "application/x-ndjson" } });
    expect([none.headers.get("evident-cursor"), await none.text()]).toEqual([null, ""]);
  });

  it.each([
    ["?from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z", 19],
    ["?from=2026-03-02&to=2026-03-02", 19],
    ["?from=2026-03&to=2026-03", 57],
    ["?from=2026-03-02T01:00:00%2B01:00&to=2026-03-03T01:00:00+01:00", 19],
    ["?to=2026-03-01T08:00:00.000000010Z", 0],
    ["?from=-24h", 0],
    ["?from=now", 0],
    ["?q=id:read-0*", 10],
    ["?q=actor.type:user%20and%20not%20id:read-*&trail=main", 5],
    ["?trail=main&trail=main", 62],
  ])("finds by %s", async (query, count) => {
    expect((await page(`${query}&limit=1000`)).events).toHaveLength(count);
  });

  it.each([
    ["?from=yesterday", "from"],
    ["?to=2026-13-01", "to"],
    ["?from=2026-02-02&to=2026-02-01", "from"],
    ["?limit=0", "limit"],
    ["?limit=10001", "limit"],
    ["?limit=1e2", "limit"],
    ["?limit=5&limit=6", "limit"],
    ["?order=random", "order"],
    ["?trail=Upper", "trail.0"],
    ["?nonsense=1", "nonsense"],
    [`?q=${"x".repeat(4_097)}`, "q"],
    ["?q=actor.idd:x", "q"],
  ])("refuses %s, naming %s", async (query, field) => {
    const answer = await api.fetch(`/v1/events${query}`);
    expect(answer.status).toBe(400);
    const { errors } = (await answer.json()) as { errors: { field: string; fix: string }[] };
    expect(errors[0]).toMatchObject({ field, fix: expect.stringMatching(/\S/) });
  });
});

describe("GET /v1/events/:id", () => {
  it.each(SPECIAL)("finds the event with the id %j", async (id) => {
    const answer = await api.fetch(`/v1/events/${encodeURIComponent(id)}`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ trail: "main", entry: { event: { id } } });
  });

  it("finds an entry by its place, whatever kind it is", async () => {
    expect(await (await api.fetch("/v1/events/main:3")).json()).toMatchObject({
      index: 3,
      entry: { event: { id: "read-03" } },
    });
    expect(await (await api.fetch("/v1/events/evident:0")).json()).toMatchObject({ entry: { kind: "statement" } });
    const quarantined = (await (await send(api, "{bad")).json()) as { index: number };
    expect(await (await api.fetch(`/v1/events/main:${quarantined.index}`)).json()).toMatchObject({
      entry: { kind: "quarantine" },
    });
  });

  it.each(["main:9999", "main:999999999999999", "nowhere:0", "no-such-id"])("says that there is no %s", async (id) => {
    const answer = await api.fetch(`/v1/events/${id}`);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, "not_found"]);
  });
});

describe("GET /v1/stats", () => {
  it("counts, and refuses what it does not understand", async () => {
    expect(await (await api.fetch("/v1/stats?q=id:read-*&interval=1h&top=actor.id&topLimit=3")).json()).toMatchObject({
      count: 57,
      intervalMs: 3_600_000,
    });
    for (const query of ["?interval=0s", "?interval=5", "?interval=1y", "?topLimit=0", `?${"top=a&".repeat(11)}`])
      expect((await api.fetch(`/v1/stats${query}`)).status).toBe(400);
  });
});
