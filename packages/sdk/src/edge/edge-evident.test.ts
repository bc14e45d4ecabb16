import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import type { EventDraft } from "../event/index.ts";
import { refuse, startFaultyServer, storeAll } from "../faulty-server/index.ts";
import { honoEvident } from "../hono/index.ts";
import { createEdgeEvident, type EdgeEvident, type EdgeOptions } from "./index.ts";

const draft: EventDraft = {
  actor: { type: "user", id: "u-1", ns: "shop" },
  action: { op: "READ", name: "order.view", kind: "api" },
  resources: [{ type: "order", id: "1" }],
  outcome: { status: "success" },
};
const problems: string[] = [];
const open = (url: string, options: Partial<EdgeOptions> = {}): EdgeEvident =>
  createEdgeEvident({ url, key: "evk_test", system: "shop", onProblem: ({ code }) => problems.push(code), ...options });

describe("the client for edge runtimes", () => {
  it("sends what waits in memory, and keeps it through a failure", async () => {
    const server = await startFaultyServer((exchange, count) =>
      count <= 2 ? refuse(exchange, 503, "not_ready") : storeAll(exchange),
    );
    const evident = open(server.url, { tries: 2 });
    for (let count = 0; count < 3; count += 1)
      expect(evident.record(draft)).toMatchObject({ kind: "accepted", seq: count + 1 });
    expect(await evident.flush()).toBe(false);
    expect(evident.stats()).toMatchObject({ waiting: 3, stored: 0 });
    expect(await Promise.all([evident.flush(), evident.flush()])).toEqual([true, true]);
    expect(evident.stats()).toMatchObject({ waiting: 0, stored: 3, accepted: 3 });
    expect(server.exchanges).toHaveLength(3);
    expect(server.exchanges[2]?.lines).toEqual(server.exchanges[0]?.lines);
    await server.close();
  });

  it("refuses at its bound", () => {
    const evident = open("http://127.0.0.1:9", { maxEvents: 2 });
    expect([1, 2, 3].map(() => evident.record(draft).kind)).toEqual(["accepted", "accepted", "refused"]);
    expect(
      open("http://127.0.0.1:9", { maxBytes: 1_024 }).record({ ...draft, detail: { text: "x".repeat(2_000) } }),
    ).toMatchObject({ why: "full" });
    expect(problems.slice(-2)).toEqual(["spool_full", "spool_full"]);
    expect(evident.record({ ...draft, detail: { big: 1n } })).toMatchObject({ kind: "refused", why: "invalid" });
  });

  it("sends in the runtime's waitUntil, behind the middleware of Hono, with digests", async () => {
    const server = await startFaultyServer(storeAll);
    const evident = open(server.url, { digestKey: "0123456789abcdef" });
    const app = new Hono();
    app.use(honoEvident(evident, { trustProxy: { header: "cf-connecting-ip" } }));
    app.put("/orders/:id", (c) => {
      c.get("evident").changes({ a: 1 }, { a: 2 });
      return c.text("done");
    });
    const work: Promise<unknown>[] = [];
    const context = {
      waitUntil: (each: Promise<unknown>) => void work.push(each),
      passThroughOnException: () => undefined,
      props: {},
    };
    const answer = await app.request(
      "/orders/7",
      { method: "PUT", headers: { "cf-connecting-ip": "203.0.113.9" } },
      {},
      context,
    );
    expect(await answer.text()).toBe("done");
    await Promise.all(work);
    expect(server.exchanges.flatMap(({ lines }) => lines.map((line) => JSON.parse(line) as unknown))).toMatchObject([
      {
        action: { op: "WRITE", name: "PUT /orders/:id" },
        resources: [{ id: "7" }],
        source: { ip: "203.0.113.9", ipTrust: "forwarded" },
        impact: {
          fields: ["a"],
          before: expect.stringMatching(/^hmac-sha256:/),
          after: expect.stringMatching(/^hmac-sha256:/),
        },
      },
    ]);
    await server.close();
  });

  it("names a setting that cannot be", () => {
    expect(() => open("nowhere")).toThrow("url");
    expect(() => open("http://x", { digestKey: "short" })).toThrow("digestKey");
  });
});
