import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApi, type TestApi } from "./testing/index.ts";

let server: TestApi;
beforeAll(async () => {
  server = await startApi();
});
afterAll(() => server.close());

const EVENT = JSON.stringify({
  v: 1,
  id: "e-1",
  time: { occurred: "2026-11-24T09:30:00.123Z", precision: "ms", basis: "event" },
  actor: { type: "user", id: "u-1", ns: "okta:acme" },
  action: { op: "READ", name: "order.view", kind: "http" },
  resources: [{ type: "order", id: "42" }],
  outcome: { status: "success" },
  source: {},
  origin: { source: "shop", system: "shop-api" },
});

describe("the API", () => {
  it("takes one event, finds it and proves it", async () => {
    const send = (): Promise<Response> =>
      server.fetch("/v1/events", { method: "POST", headers: { "content-type": "application/json" }, body: EVENT });
    const stored = await send();
    expect(stored.status).toBe(201);
    expect(await stored.json()).toEqual({ line: 1, id: "e-1", trail: "main", index: 0, status: "stored" });
    expect(await (await send()).json()).toMatchObject({ index: 0, status: "duplicate" });
    const found = await server.fetch("/v1/events?q=actor.id:u-1");
    expect(await found.json()).toMatchObject({
      events: [{ trail: "main", index: 0, entry: { event: { id: "e-1" } } }],
    });
    const proof = await server.fetch("/v1/events/e-1/proof");
    expect(await proof.text()).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
  });

  it.each(["/healthz", "/readyz", "/openapi.json", "/reference/", "/schema/event.json", "/errors", "/metrics"])(
    "answers %s to anybody on this machine",
    async (path) => {
      const answer = await server.fetch(path, { key: "" });
      expect(answer.status).toBe(200);
      expect((await answer.text()).length).toBeGreaterThan(10);
    },
  );
});
