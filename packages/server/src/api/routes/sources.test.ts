import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeEvent } from "@evident/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { NDJSON, send, startApi, type TestApi } from "../testing/index.ts";

const dir = mkdtempSync(join(tmpdir(), "evident-sources-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function sdkEvent(id: string, seq: number, occurred = new Date().toISOString()): string {
  const event = makeEvent(id) as Record<string, unknown>;
  const time = { occurred, precision: "ms", basis: "event" };
  const origin = { source: "shop", system: "shop", adapter: "sdk", nativeId: `p-1/${seq}`, seq: String(seq) };
  return JSON.stringify({ ...event, time, origin });
}

interface Answer {
  readonly sources: readonly Record<string, unknown>[];
  readonly behind: number;
}

async function readSources(api: TestApi, query = "", key?: string): Promise<Answer> {
  const answer = await api.fetch(`/v1/sources${query}`, key === undefined ? {} : { key });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Answer;
}

describe("GET /v1/sources", () => {
  it("says per source how much came, how late, what is missing, sent again and unreadable, also after a restart", async () => {
    const first = await startApi({ dir });
    const lines = [
      sdkEvent("e-1", 1),
      sdkEvent("e-2", 2),
      sdkEvent("e-5", 5),
      sdkEvent("e-6", 6, new Date(Date.now() + 60_000).toISOString()),
    ];
    await send(first, [...lines, lines[0]].join("\n"), { type: NDJSON });
    await send(first, "{}", { type: NDJSON, query: "?format=kubernetes&source=cluster" });
    const { sources } = await readSources(first);
    expect(sources).toMatchObject([
      {
        source: "shop",
        trail: "main",
        adapter: "sdk",
        events: 4,
        duplicates: 1,
        lastHour: 4,
        missing: 2,
        sequences: [{ counter: "p-1", first: 1, last: 6, missing: 2, gaps: [{ from: 3, to: 4 }] }],
      },
      {
        source: "cluster",
        adapter: "kubernetes",
        events: 0,
        quarantined: { unreadable: 1 },
        failures: [{ why: "unreadable" }],
      },
    ]);
    expect(sources[0]?.["clockAheadMs"]).toBeGreaterThan(50_000);
    await first.close();

    const second = await startApi({ dir });
    await send(second, sdkEvent("e-4", 4), { type: NDJSON });
    const after = await readSources(second, "?source=shop");
    expect(after.sources).toMatchObject([{ events: 5, duplicates: 1, missing: 1 }]);
    await second.close();
  });

  it("is rebuilt from the trails when the snapshot is gone", async () => {
    rmSync(join(dir, "data", "index", "sources.json"));
    const api = await startApi({ dir });
    await expect.poll(async () => (await readSources(api)).behind).toBe(0);
    expect((await readSources(api, "?source=shop")).sources).toMatchObject([{ events: 5, missing: 1, duplicates: 0 }]);
    await api.close();
  });

  it("shows a key only the sources of the trails that it sees, and records the look", async () => {
    const api = await startApi({ dir });
    const operator = await api.makeKey({ role: "operator", tenant: "other" });
    expect((await readSources(api, "", operator.key)).sources).toEqual([]);
    const producer = await api.makeKey({ role: "producer", tenant: "default", sources: ["shop"] });
    expect((await api.fetch("/v1/sources", { key: producer.key })).status).toBe(403);
    const reads = api.ledger.trail("evident-reads")?.size ?? 0;
    await readSources(api);
    const entry = await api.ledger.entry("evident-reads", reads);
    expect(Buffer.from(entry ?? []).toString()).toContain('"sources.list"');
    await api.close();
  });
});
