import { gzipSync } from "node:zlib";
import type { Entry } from "@evident/core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Ledger, Pressure } from "../../ledger/index.ts";
import { startApi, type TestApi } from "../testing/index.ts";

let api: TestApi;
let key: string;
let pressure: Pressure | undefined;
let appendFails = false;

function wrapLedger(ledger: Ledger): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      if (name === "pressure" && pressure !== undefined) return () => pressure;
      if (name === "append" && appendFails) return () => Promise.reject(new Error("the disk is gone"));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

beforeAll(async () => {
  api = await startApi({ wrapLedger });
  key = (await api.makeKey({ role: "producer", sources: ["prod-cluster"] })).key;
});
afterAll(() => api.close());
afterEach(() => {
  pressure = undefined;
  appendFails = false;
});

const RECEIVED = "2026-11-24T09:30:00.123456Z";

function auditEvent(auditID: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    level: "Metadata",
    auditID,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/pay/secrets/db",
    verb: "get",
    user: { username: "jane", uid: "u-1", groups: ["system:authenticated"] },
    sourceIPs: ["203.0.113.9"],
    objectRef: { resource: "secrets", namespace: "pay", name: "db", apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: RECEIVED,
    stageTimestamp: "2026-11-24T09:30:00.223456Z",
    ...change,
  };
}

const listOf = (items: readonly unknown[]): string =>
  JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items });

function post(body: string | Uint8Array<ArrayBuffer>, { query = "", path = "", headers = {} } = {}): Promise<Response> {
  return api.fetch(`/v1/receive/kubernetes${path}${query}`, {
    method: "POST",
    key,
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

async function entriesFrom(first: number): Promise<readonly Entry[]> {
  const size = api.ledger.trail("main")?.size ?? 0;
  const found: Entry[] = [];
  for (let index = first; index < size; index += 1) {
    found.push(JSON.parse(Buffer.from((await api.ledger.entry("main", index)) ?? []).toString()) as Entry);
  }
  return found;
}

const sizeOfMain = (): number => api.ledger.trail("main")?.size ?? 0;

describe("POST /v1/receive/kubernetes", () => {
  it("takes the name of the cluster from the path, because API servers drop the query of a kubeconfig's address", async () => {
    const before = sizeOfMain();
    const answer = await post(listOf([auditEvent("path-1")]), { path: "/eu-7", query: "?timeout=30s" });
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    expect(await entriesFrom(before)).toMatchObject([
      { event: { id: `path-1/ResponseComplete/${RECEIVED}`, origin: { system: "eu-7" } } },
    ]);
  });

  it("answers {} when every event of a list is durable, under the key's source and the cluster of the query", async () => {
    const before = sizeOfMain();
    const answer = await post(listOf([auditEvent("a-1"), auditEvent("a-2", { verb: "delete" })]), {
      query: "?cluster=eu-1&timeout=30s",
    });
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    const events = (await entriesFrom(before)).map((entry) => (entry.kind === "event" ? entry.event : undefined));
    expect(events).toMatchObject([
      {
        id: `a-1/ResponseComplete/${RECEIVED}`,
        action: { op: "READ" },
        origin: { source: "prod-cluster", system: "eu-1" },
      },
      {
        id: `a-2/ResponseComplete/${RECEIVED}`,
        action: { op: "DELETE" },
        origin: { adapter: "kubernetes", tenant: "default" },
      },
    ]);
  });

  it("stores a list once that is sent again, what cannot be read of it too", async () => {
    const before = sizeOfMain();
    const list = listOf([auditEvent("b-1"), auditEvent("b-2", { user: 7 }), auditEvent("b-3")]);
    for (let i = 0; i < 3; i += 1) expect((await post(list)).status).toBe(200);
    expect((await entriesFrom(before)).map(({ kind }) => kind)).toEqual(["event", "quarantine", "event"]);
  });

  it("takes gzip, and lists larger than one chunk in order", async () => {
    const before = sizeOfMain();
    const items = Array.from({ length: 2_500 }, (_, i) => auditEvent(`c-${i}`));
    const answer = await post(new Uint8Array(gzipSync(listOf(items))), { headers: { "content-encoding": "gzip" } });
    expect(answer.status).toBe(200);
    const ids = (await entriesFrom(before)).map((entry) => (entry.kind === "event" ? entry.event.id : ""));
    expect(ids).toEqual(items.map((_, i) => `c-${i}/ResponseComplete/${RECEIVED}`));
  });

  it("asks to send again when the disk is behind, full or failing, and has stored nothing", async () => {
    const before = sizeOfMain();
    pressure = { kind: "busy", pendingBytes: 1, retryAfterSeconds: 3 };
    const busy = await post(listOf([auditEvent("d-1")]));
    expect([busy.status, busy.headers.get("retry-after")]).toEqual([429, "3"]);
    pressure = { kind: "full", detail: "" };
    const full = await post(listOf([auditEvent("d-1")]));
    expect([full.status, full.headers.get("retry-after")]).toEqual([507, "1"]);
    pressure = undefined;
    appendFails = true;
    const failing = await post(listOf([auditEvent("d-1")]));
    expect([failing.status, failing.headers.get("retry-after")]).toEqual([500, "1"]);
    expect(sizeOfMain()).toBe(before);
  });

  it("refuses what is no JSON by its type, an unknown parameter and a missing key", async () => {
    expect((await post("x", { headers: { "content-type": "application/yaml" } })).status).toBe(415);
    expect((await post(listOf([]), { query: "?clutser=x" })).status).toBe(400);
    const answer = await api.fetch("/v1/receive/kubernetes", { method: "POST", key: "", body: "{}" });
    expect(answer.status).toBe(401);
  });

  it("counts its records in the metrics", async () => {
    const text = await (await api.fetch("/metrics")).text();
    expect(text).toMatch(/evident_receiver_lines_total\{receiver="kubernetes",status="stored"\} \d{4}/);
    expect(text).toMatch(/evident_receiver_lines_total\{receiver="kubernetes",status="duplicate"\} 6/);
  });
});
