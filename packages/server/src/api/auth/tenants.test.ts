import { makeEvent } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEntries, send, startApi, type TestApi } from "../testing/index.ts";

let api: TestApi;
/** Administrators: of everything, of `default`, of `acme`, and of `acme` limited to one of its trails. */
let ours = "";
let theirs = "";
let limited = "";

beforeAll(async () => {
  api = await startApi();
  await api.ledger.createTrail({ name: "acme-main", tenant: "acme", by: "test" });
  await api.ledger.createTrail({ name: "acme-second", tenant: "acme", by: "test" });
  const make = async (body: object): Promise<string> =>
    (await api.makeKey({ role: "admin", sources: ["*"], ...body })).key;
  ours = await make({ tenant: "default" });
  theirs = await make({ tenant: "acme", defaultTrail: "acme-main" });
  limited = await make({ tenant: "acme", trails: ["acme-second"] });
  await post("ours-1", ours);
  await post("theirs-1", theirs);
  await post("second-1", limited);
  for (const trail of ["main", "acme-main", "acme-second"]) await api.ledger.waitPublished(trail, 1);
});
afterAll(() => api.close());

async function post(id: string, key: string, query = ""): Promise<unknown> {
  return (await send(api, JSON.stringify(makeEvent(id)), { key, query })).json();
}

async function idsFor(key: string, path: string): Promise<string[]> {
  const { events } = (await (await api.fetch(path, { key })).json()) as {
    events: { entry: { event?: { id: string } } }[];
  };
  return events.map(({ entry }) => entry.event?.id ?? "none").sort();
}

async function statusOf(path: string, key: string, init: RequestInit = {}): Promise<number> {
  const answer = await api.fetch(path, { key, ...init });
  await answer.arrayBuffer();
  return answer.status;
}

describe("a key of one tenant", () => {
  it("finds its own events alone", async () => {
    expect(["main", "acme-main", "acme-second"].map((name) => api.ledger.trail(name)?.size)).toEqual([1, 1, 1]);
    expect(await idsFor(ours, "/v1/events")).toEqual(["ours-1"]);
    expect(await idsFor(theirs, "/v1/events")).toEqual(["second-1", "theirs-1"]);
    expect(await idsFor(limited, "/v1/events")).toEqual(["second-1"]);
    expect(await idsFor(api.adminKey, "/v1/events")).toEqual(["ours-1", "second-1", "theirs-1"]);
    expect(await idsFor(ours, "/v1/events?q=theirs-1")).toEqual([]);
  });

  it("is told of another tenant's trail, event or key what it would be told of one that is not there", async () => {
    const paths = (trail: string, id: string): string[] => [
      `/v1/events?trail=${trail}`,
      `/v1/stats?trail=${trail}`,
      `/v1/tail?trail=${trail}`,
      `/v1/export?trail=${trail}`,
      `/v1/events/${id}`,
      `/v1/events/${id}/proof`,
      `/v1/events/${trail}:0`,
      `/v1/events/${trail}:0/proof`,
      `/v1/events/${id}?trail=${trail}`,
      `/v1/trails/${trail}`,
      `/v1/trails/${trail}/log/checkpoint`,
      `/v1/trails/${trail}/log/tile/0/000.p/1`,
      `/v1/trails/${trail}/log/tile/entries/000.p/1`,
      `/v1/trails/${trail}/log/rotations`,
    ];
    const shape = async (path: string): Promise<string> => {
      const answer = await api.fetch(path, { key: ours });
      const { request: _, ...problem } = (await answer.json()) as Record<string, unknown>;
      return JSON.stringify([answer.status, problem])
        .replaceAll(/acme-main|nowhere/g, "TRAIL")
        .replaceAll(/theirs-1|no-event/g, "ID");
    };
    const there = paths("acme-main", "theirs-1");
    const absent = paths("nowhere", "no-event");
    for (const [i, path] of there.entries()) {
      const told = await shape(path);
      expect(told).toContain("404");
      expect(told).toBe(await shape(absent[i] ?? ""));
    }
  });

  it("lists its own trails and keys alone", async () => {
    const namesFor = async (key: string): Promise<string[]> => {
      const { trails } = (await (await api.fetch("/v1/trails", { key })).json()) as { trails: { name: string }[] };
      return trails.map(({ name }) => name);
    };
    expect(await namesFor(ours)).toEqual(["main"]);
    expect(await namesFor(theirs)).toEqual(["acme-main", "acme-second"]);
    expect(await namesFor(limited)).toEqual(["acme-second"]);
    expect(await namesFor(api.adminKey)).toEqual(["evident", "evident-reads", "main", "acme-main", "acme-second"]);
    const tenantsFor = async (key: string): Promise<string[]> => {
      const { keys } = (await (await api.fetch("/v1/keys", { key })).json()) as {
        keys: { tenant: string; trails: string[] }[];
      };
      return keys.map(({ tenant, trails }) => `${tenant} ${trails.join()}`);
    };
    expect(await tenantsFor(ours)).toEqual(["default *"]);
    expect(await tenantsFor(theirs)).toEqual(["acme *", "acme acme-second"]);
    expect(await tenantsFor(limited)).toEqual(["acme acme-second"]);
    expect(await tenantsFor(api.adminKey)).toHaveLength(4);
  });

  it("is told the size of its own trails alone", async () => {
    for (const path of ["/v1/events", "/v1/stats"]) {
      const { indexed } = (await (await api.fetch(path, { key: ours })).json()) as { indexed: object };
      expect(Object.keys(indexed)).toEqual(["main"]);
    }
  });

  it("counts its own events alone", async () => {
    const countFor = async (key: string): Promise<unknown> =>
      ((await (await api.fetch("/v1/stats", { key })).json()) as { count: number }).count;
    expect([await countFor(ours), await countFor(theirs), await countFor(limited)]).toEqual([1, 2, 1]);
  });

  it("follows its own events alone", async () => {
    const abort = new AbortController();
    const answer = await api.fetch("/v1/tail", { key: ours, signal: abort.signal });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    await post("theirs-2", theirs);
    await post("ours-2", ours);
    while (!text.includes("ours-2")) text += (await reader?.read())?.value ?? "";
    abort.abort();
    expect(text).not.toContain("theirs-2");
  });

  it("stores in its own trails alone, and is no duplicate of another tenant's event", async () => {
    expect(await post("x", ours, "?trail=acme-main")).toMatchObject({ code: "not_found" });
    expect(await post("x", limited, "?trail=acme-main")).toMatchObject({ code: "not_found" });
    expect(await post("same-id", ours)).toMatchObject({ status: "stored", trail: "main" });
    expect(await post("same-id", theirs)).toMatchObject({ status: "stored", trail: "acme-main" });
    const entries = await readEntries(api.ledger, "acme-main");
    expect(entries.at(-1)).toMatchObject({ event: { id: "same-id", origin: { tenant: "acme" } } });
  });

  it("makes and revokes neither keys nor trails beyond itself", async () => {
    const make = (key: string, body: object): Promise<number> =>
      statusOf("/v1/keys", key, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ role: "reader", ...body }),
      });
    expect(await make(ours, { tenant: "acme" })).toBe(403);
    expect(await make(ours, { tenant: "*" })).toBe(403);
    expect(await make(limited, { trails: ["*"] })).toBe(403);
    expect(await make(limited, { trails: ["acme-second", "acme-main"] })).toBe(403);
    expect(await make(limited, {})).toBe(201);
    const idOf = (key: string): string => key.split("_")[1] ?? "";
    expect(await statusOf(`/v1/keys/${idOf(theirs)}`, ours, { method: "DELETE" })).toBe(404);
    expect(await statusOf(`/v1/keys/${idOf(theirs)}`, limited, { method: "DELETE" })).toBe(404);
    expect(await statusOf(`/v1/keys/${idOf(api.adminKey)}`, theirs, { method: "DELETE" })).toBe(404);
    const makeTrail = (key: string, body: object): Promise<number> =>
      statusOf("/v1/trails", key, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    expect(await makeTrail(ours, { name: "x", tenant: "acme" })).toBe(403);
    expect(await makeTrail(limited, { name: "other" })).toBe(403);
    expect(await makeTrail(theirs, { name: "acme-third" })).toBe(201);
    expect(api.ledger.trail("acme-third")?.tenant).toBe("acme");
  });

  it("sees the system's trails under no name", async () => {
    for (const trail of ["evident", "evident-reads"]) {
      for (const key of [ours, theirs]) {
        expect(await statusOf(`/v1/trails/${trail}`, key)).toBe(404);
        expect(await statusOf(`/v1/events?trail=${trail}`, key)).toBe(404);
        expect(await statusOf(`/v1/events/${trail}:0`, key)).toBe(404);
        expect(await statusOf(`/v1/trails/${trail}/log/checkpoint`, key)).toBe(404);
      }
      expect(await statusOf(`/v1/trails/${trail}/log/checkpoint`, api.adminKey)).toBe(200);
    }
  });
});

describe("an event id that several tenants have", () => {
  it("is one event for each of them, and a choice of addresses for those who see both", async () => {
    await post("twice", ours);
    await post("twice", theirs);
    expect(await statusOf("/v1/events/twice", ours)).toBe(200);
    expect(await statusOf("/v1/events/twice", theirs)).toBe(200);
    const answer = await api.fetch("/v1/events/twice");
    expect(answer.status).toBe(409);
    expect(((await answer.json()) as { detail: string }).detail).toMatch(/main:\d+, acme-main:\d+/);
    expect(await statusOf("/v1/events/twice?trail=main", api.adminKey)).toBe(200);
  });
});
