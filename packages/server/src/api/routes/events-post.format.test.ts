import type { Entry } from "@evident/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readLines, send, startApi, type TestApi } from "../testing/index.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

async function entryAt(index: number): Promise<Entry> {
  const entry = await api.ledger.entry("main", index);
  return JSON.parse(Buffer.from(entry ?? []).toString()) as Entry;
}

function auditEvent(auditID: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    auditID,
    stage: "ResponseComplete",
    verb: "get",
    user: { username: "jane", uid: "u-1" },
    sourceIPs: ["203.0.113.9"],
    objectRef: { resource: "secrets", namespace: "pay", name: "db" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: "2026-11-24T09:30:00.123456Z",
    ...change,
  };
}

const query = "?format=kubernetes&source=prod&option=cluster%3Deu-1";

describe("POST /v1/events with a format", () => {
  it("stores events of a source's records, whatever the content type, and quarantines what it cannot read with its bytes", async () => {
    const body = [auditEvent("a-1"), auditEvent("a-2", { user: {} }), auditEvent("a-3")].map((each) =>
      JSON.stringify(each),
    );
    const answer = await send(api, body.join("\n"), { query, type: "text/plain" });
    const [first, second, third] = await readLines(answer);
    expect([first?.["status"], second?.["status"], third?.["status"]]).toEqual(["stored", "quarantined", "stored"]);
    expect(second?.["line"]).toBe(2);
    const stored = await entryAt(Number(first?.["index"]));
    expect(stored).toMatchObject({
      event: {
        action: { op: "READ", name: "get core.secrets" },
        origin: { source: "prod", system: "eu-1", adapter: "kubernetes" },
      },
    });
    const refused = await entryAt(Number(second?.["index"]));
    expect(refused).toMatchObject({
      quarantine: {
        why: "unreadable",
        adapter: "kubernetes",
        source: "prod",
        line: 2,
        reasons: [{ field: "user.username" }],
      },
    });
  });

  it("stores a body once that is sent twice with one key, what it cannot read too", async () => {
    const body = [auditEvent("b-1"), { ...auditEvent("b-2"), user: 7 }].map((each) => JSON.stringify(each)).join("\n");
    const twice = [];
    for (let i = 0; i < 2; i += 1) {
      const answer = await send(api, body, {
        query: `${query}&answer=summary`,
        idempotencyKey: "batch-7",
      });
      twice.push(await answer.json());
    }
    expect(twice).toMatchObject([
      { read: 2, accepted: 1, quarantined: 1, duplicates: 0 },
      { read: 2, accepted: 0, quarantined: 0, duplicates: 2 },
    ]);
  });

  it("reads a document, and says what no adapter recognises", async () => {
    const list = { kind: "EventList", apiVersion: "audit.k8s.io/v1", items: [auditEvent("c-1"), auditEvent("c-2")] };
    const answer = await send(api, JSON.stringify(list, null, 1), {
      query: `${query}&answer=summary`,
      type: "application/json",
    });
    expect(await answer.json()).toMatchObject({ accepted: 2 });
    const unknown = await send(api, "what is this?\n", { query: "?format=auto&source=prod" });
    expect(await readLines(unknown)).toMatchObject([
      { status: "quarantined", reasons: [{ problem: "no adapter recognises the record" }] },
    ]);
  });

  it.each([
    ["format=kubernets", "Did you mean kubernetes?"],
    ["format=kubernetes&option=clutser%3Dx", "Did you mean cluster?"],
    ["format=kubernetes&option=cluster", "name=value"],
    ["format=auto&option=cluster%3Dx", "Name the format"],
  ])("refuses %s with the fix", async (parameters, fix) => {
    const answer = await send(api, "{}", { query: `?${parameters}` });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(await answer.json())).toContain(fix);
  });
});
