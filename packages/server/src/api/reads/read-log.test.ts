import { setTimeout as sleep } from "node:timers/promises";
import { type AccessEvent, checkEvent, EvidentError } from "@evident/core";
import { makeEvent } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Ledger } from "../../ledger/index.ts";
import { readEntries, send, startApi, type TestApi } from "../testing/index.ts";

/** What the store does with entries of the read log. */
let reads: "stored" | "failed" | "held" = "stored";
const held: (() => void)[] = [];

function watched(ledger: Ledger): Ledger {
  const append: Ledger["append"] = async (trail, drafts) => {
    if (trail === "evident-reads" && reads === "failed") throw new EvidentError("storage_full", "no room for reads");
    if (trail === "evident-reads" && reads === "held") await new Promise<void>((resolve) => void held.push(resolve));
    return ledger.append(trail, drafts);
  };
  return new Proxy(ledger, {
    get: (target, name) => {
      if (name === "append") return append;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ wrapLedger: watched });
  for (const id of ["r-1", "r-2"]) await send(api, JSON.stringify(makeEvent(id)));
  await api.ledger.waitPublished("main", 2);
});
afterAll(() => api.close());

async function recorded(): Promise<AccessEvent[]> {
  const entries = await readEntries(api.ledger, "evident-reads");
  return entries.flatMap((entry) => (entry.kind === "event" ? [entry.event] : []));
}

/** Reads, and returns what was recorded of it. */
async function readsOf(path: string, init: Parameters<TestApi["fetch"]>[1] = {}): Promise<AccessEvent[]> {
  const before = (await recorded()).length;
  await (await api.fetch(path, init)).arrayBuffer();
  return (await recorded()).slice(before);
}

const bundle = "/v1/trails/main/log/tile/entries/000.p/2";
const paths = [
  "/v1/events",
  "/v1/events/r-1",
  "/v1/events/main:0",
  "/v1/events/r-1/proof",
  "/v1/stats",
  "/v1/keys",
  "/v1/tail",
  "/v1/export",
  bundle,
];

describe("a read", () => {
  it("of a search states query, range, what was shown and by whom", async () => {
    const q = encodeURIComponent("actor.name:Ada*");
    const found = await readsOf(`/v1/events?q=${q}&from=2026-03-01&to=2026-03-02&limit=1&order=oldest&trail=main`, {
      headers: { "user-agent": "test/1.0" },
    });
    const keyId = api.adminKey.split("_")[1];
    expect(found).toMatchObject([
      {
        v: 1,
        actor: {
          type: "service",
          id: keyId,
          ns: "evident",
          groups: ["admin"],
          credential: { kind: "api_key", id: keyId },
        },
        action: { op: "LIST", name: "events.search", kind: "api" },
        resources: [{ type: "trail", id: "main" }],
        outcome: { status: "success" },
        source: { ip: "127.0.0.1", ipTrust: "peer", userAgent: "test/1.0" },
        impact: { rows: "1" },
        origin: { tenant: "*", source: "evident", system: "evident", adapter: "api" },
        detail: {
          q: "actor.name:Ada*",
          from: "2026-03-01T00:00:00.000000000Z",
          to: "2026-03-03T00:00:00.000000000Z",
          limit: 1,
          order: "oldest",
          shown: ["main:0-0"],
          tenant: "*",
        },
      },
    ]);
  });

  it.each([
    [
      "/v1/events",
      { action: { op: "LIST", name: "events.search" }, impact: { rows: "2" }, detail: { shown: ["main:0-1"] } },
    ],
    [
      "/v1/events/r-2",
      {
        action: { op: "READ", name: "events.get" },
        resources: [{ type: "entry", id: "main:1" }],
        detail: { id: "r-2" },
      },
    ],
    [
      "/v1/events/r-2/proof",
      { action: { op: "READ", name: "events.proof" }, resources: [{ type: "entry", id: "main:1" }] },
    ],
    ["/v1/stats?top=actor.id", { action: { op: "READ", name: "events.stats" }, detail: { top: ["actor.id"] } }],
    ["/v1/keys", { action: { op: "LIST", name: "keys.list" }, resources: [{ type: "api_keys", id: "*" }] }],
    [
      bundle,
      {
        action: { op: "EXPORT", name: "log.bundle" },
        resources: [{ type: "trail", id: "main" }],
        detail: { first: 0, end: 2 },
      },
    ],
  ] as const)("of %s is one entry", async (path, expected) => {
    expect(await readsOf(path)).toMatchObject([expected]);
  });

  it.each(["/v1/events/no-such-event", "/v1/events/main:99", "/v1/events/no-such-event/proof"])(
    "of %s, which is not there, is an entry as well",
    async (path) => {
      expect(await readsOf(path)).toMatchObject([{ impact: { rows: "0" }, detail: { id: path.split("/")[3] } }]);
    },
  );

  it("of a tail is an entry when it opens, and one with what was delivered when it closes", async () => {
    const before = (await recorded()).length;
    const abort = new AbortController();
    const answer = await api.fetch("/v1/tail?trail=main", {
      headers: { "last-event-id": "main:0" },
      signal: abort.signal,
    });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes('"r-2"')) text += (await reader?.read())?.value ?? "";
    expect((await recorded()).slice(before)).toMatchObject([
      { action: { name: "tail.open" }, detail: { from: "main:0" } },
    ]);
    abort.abort();
    while ((await recorded()).length < before + 2) await sleep(5);
    expect((await recorded()).at(-1)).toMatchObject({
      action: { name: "tail.close" },
      detail: { end: "gone", to: "main:2" },
      impact: { rows: "2" },
    });
  });

  it("of checkpoint, hash tiles, trails and the server's state is none: they hold nothing of what is stored", async () => {
    for (const path of [
      "/v1/trails",
      "/v1/trails/main",
      "/v1/trails/main/log/checkpoint",
      "/v1/trails/main/log/tile/0/000.p/2",
      "/v1/status",
      "/metrics",
    ])
      expect(await readsOf(path)).toEqual([]);
  });

  it.each(paths)("of %s is not answered while its entry is not durable", async (path) => {
    reads = "held";
    let isAnswered = false;
    const abort = new AbortController();
    const answering = api.fetch(path, { signal: abort.signal }).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await sleep(60);
    expect(isAnswered).toBe(false);
    reads = "stored";
    for (const release of held.splice(0)) release();
    expect((await answering).status).toBe(200);
    abort.abort();
  });

  it.each([...paths, "/v1/events/none"])("of %s is not answered when its entry cannot be stored", async (path) => {
    // Another bundle than before: an entry stands for its range for a while.
    const { key } = await api.makeKey({ role: "admin", tenant: "*" });
    reads = "failed";
    const answer = await api.fetch(path, { key });
    reads = "stored";
    expect(answer.status).toBe(507);
    const text = await answer.text();
    expect(text).toContain("storage_full");
    expect(text).not.toMatch(/r-1|evk_/);
  });
});

describe("the entry of a read", () => {
  it("is a valid event whatever was asked for", async () => {
    const { key } = await api.makeKey({ role: "reader", name: `Ünïcode ${"n".repeat(100)}` });
    for (const path of [
      `/v1/events?q=${encodeURIComponent(`"${"x\u0001\u{1f600}".repeat(900)}"`)}`,
      `/v1/events?q=${encodeURIComponent('a\\"b')}&cursor=5`,
      `/v1/events/${encodeURIComponent("\u0000-\u{1f600}/..")}`,
      `/v1/events/${encodeURIComponent("ü".repeat(256))}`,
    ]) {
      const found = await readsOf(path, { key, headers: { "user-agent": "\u00e9".repeat(3_000) } });
      expect(found.length).toBeLessThanOrEqual(1);
      for (const event of found) expect(checkEvent(structuredClone(event))).toMatchObject({ ok: true });
    }
    expect((await readsOf("/v1/events", { key }))[0]?.actor.name).toMatch(/^Ünïcode n{100}$/);
  });

  it("holds no API key that somebody searched for", async () => {
    const q = encodeURIComponent(`"${api.adminKey}"`);
    const [event] = await readsOf(`/v1/events?q=${q}`, { headers: { "user-agent": `agent ${api.adminKey}` } });
    expect(JSON.stringify(event)).not.toContain(api.adminKey.slice(21));
    expect(event?.detail?.["q"]).toMatch(/^"evk_[0-9a-f]{16}_\*\*\*"$/);
  });

  it("names the tenant when there are more trails than an entry could", async () => {
    for (let i = 0; i < 101; i += 1) await api.ledger.createTrail({ name: `many-${i}`, tenant: "many", by: "test" });
    const { key } = await api.makeKey({ role: "reader", tenant: "many" });
    expect(await readsOf("/v1/events", { key })).toMatchObject([{ resources: [{ type: "tenant", id: "many" }] }]);
    expect((await api.fetch("/v1/tail", { key })).status).toBe(400);
  });
});
