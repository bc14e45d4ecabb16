import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApi, type TestApi } from "./testing/start-api.ts";

let server: TestApi;
beforeAll(async () => {
  server = await startApi();
});
afterAll(() => server.close());

describe("smoke", () => {
  it("works", async () => {
    for (const [path, init] of [
      ["/healthz", {}],
      ["/readyz", {}],
      ["/openapi.json", {}],
      ["/reference/", {}],
      ["/metrics", { key: "" }],
      ["/v1/trails", {}],
      ["/v1/keys", {}],
      ["/v1/events", { method: "POST", headers: { "content-type": "application/json" }, body: '{"id":"a","x":1}' }],
      ["/v1/events", { method: "POST", headers: { "content-type": "application/json" }, body: '{"id":"a","x":1}' }],
      ["/v1/events", { method: "POST", headers: { "content-type": "application/json" }, body: '{"id":"a","x":2}' }],
      [
        "/v1/events",
        { method: "POST", headers: { "content-type": "application/json" }, body: '[{"id":"b","x":2},{"id":"c"}]' },
      ],
      [
        "/v1/events",
        {
          method: "POST",
          headers: { "content-type": "application/x-ndjson" },
          body: '{"id":"d","x":2}\n{bad\n{"id":"e"}',
        },
      ],
      [
        "/v1/events?answer=summary",
        {
          method: "POST",
          headers: { "content-type": "application/x-ndjson" },
          body: '{"id":"d","x":2}\n{bad\n{"id":"f"}',
        },
      ],
      [
        "/v1/events?receipts=full",
        { method: "POST", headers: { "content-type": "application/x-ndjson" }, body: '{"id":"g"}' },
      ],
      ["/v1/events?q=x:2", {}],
      ["/v1/events/main:0", {}],
      ["/v1/events/a", {}],
      ["/v1/events/a/proof", {}],
      ["/v1/stats", {}],
      ["/v1/events?q=(", {}],
      ["/v1/events?limit=0&nope=1", {}],
      ["/nope", {}],
      ["/v1/trails/main/log/checkpoint", {}],
      ["/v1/trails/main/log/tile/0/000.p/3", {}],
      ["/v1/trails/main/log/tile/entries/000.p/3", {}],
      ["/v1/status", {}],
      ["/schema/event.json", {}],
      ["/", { redirect: "manual" }],
      ["/v1/events?trail=evident-reads&limit=2", {}],
      ["/v1/trails/main/seal", { method: "POST" }],
      ["/v1/trails/main/rotate", { method: "POST" }],
      ["/v1/trails/main/log/rotations", {}],
      ["/v1/clock/confirm", { method: "POST" }],
    ] as [string, RequestInit][]) {
      const answer = await server.fetch(path, init);
      console.log(
        init.method ?? "GET",
        path,
        answer.status,
        answer.headers.get("content-type"),
        (await answer.text()).slice(0, 300),
      );
    }
  });
});
