import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { stream } from "hono/streaming";
import { describe, expect, it } from "vitest";
import { createTestEvident, type TestEvident } from "../testing/index.ts";
import { type HonoEvidentOptions, honoEvident } from "./index.ts";

function make(options: HonoEvidentOptions = {}): { readonly evident: TestEvident; readonly app: Hono } {
  const evident = createTestEvident();
  const app = new Hono();
  app.use(honoEvident(evident, options));
  return { evident, app };
}

describe("the middleware of Hono", () => {
  it("records routes, unmatched paths, failures and denials", async () => {
    const { evident, app } = make({ actor: (c) => ({ type: "user", id: c.req.header("x-user") ?? "", ns: "shop" }) });
    const inner = new Hono();
    inner.get("/:id", (c) => {
      c.get("evident").label("phi");
      return c.json({}, 200, { "x-own": "1" });
    });
    app.use("/closed/*", async (c, next) => (c.req.query("in") === undefined ? c.text("no", 403) : next()));
    app.route("/wards/:ward/patients", inner);
    app.delete("/closed/:id", (c) => c.body(null, 204));
    app.get("/broken/:id", () => {
      throw new TypeError("secret");
    });
    app.onError((error, c) => c.body(null, error instanceof HTTPException ? error.status : 500));
    app.get("/gone", () => {
      throw new HTTPException(410);
    });
    const headers = { "x-user": "ada" };
    const answer = await app.request("/wards/7/patients/p-1?token=secret", { headers });
    expect([answer.headers.get("x-own"), answer.headers.get("content-type"), await answer.text()]).toEqual([
      "1",
      "application/json",
      "{}",
    ]);
    await (await app.request("/wards/7/patients/p-1", { headers, method: "HEAD" })).text();
    await (await app.request("/closed/c-1", { headers, method: "DELETE" })).text();
    await (await app.request("/broken/b-1", { headers })).text();
    await (await app.request("/gone", { headers })).text();
    await (await app.request("/secret", { headers })).text();
    expect(
      evident.events.map(({ actor, action, resources: [resource], outcome, labels }) => [
        actor.id,
        action.op,
        action.name,
        resource?.id,
        outcome,
        labels,
      ]),
    ).toEqual([
      ["ada", "READ", "GET /wards/:ward/patients/:id", "p-1", { status: "success", code: "200" }, ["phi"]],
      ["ada", "READ", "HEAD /wards/:ward/patients/:id", "p-1", { status: "success", code: "200" }, ["phi"]],
      ["ada", "DELETE", "DELETE /closed/:id", "/closed/:id", { status: "denied", code: "403" }, undefined],
      ["ada", "READ", "GET /broken/:id", "b-1", { status: "failure", code: "500", reason: "TypeError" }, undefined],
      ["ada", "READ", "GET /gone", "/gone", { status: "failure", code: "410" }, undefined],
      ["ada", "READ", "GET (unmatched)", "(unmatched)", { status: "failure", code: "404" }, undefined],
    ]);
    expect(JSON.stringify(evident.events)).not.toContain("secret");
  });

  it("records a stream at its end, one that breaks as a failure, and a client that goes away", async () => {
    const { evident, app } = make();
    app.get("/stream", (c) =>
      stream(c, async (writer) => {
        await writer.write("first");
        await sleep(30);
        await writer.write("last");
      }),
    );
    app.get(
      "/broken",
      () => new Response(new ReadableStream({ pull: () => Promise.reject(new RangeError("secret")) })),
    );
    const answer = await app.request("/stream");
    evident.expectNone();
    expect(await answer.text()).toBe("firstlast");
    await expect((await app.request("/broken")).text()).rejects.toThrow("secret");
    await (await app.request("/stream")).body?.cancel();
    expect(evident.events.map(({ outcome }) => [outcome.status, outcome.code, outcome.reason?.slice(0, 10)])).toEqual([
      ["success", "200", undefined],
      ["failure", "200", "RangeError"],
      ["failure", "499", "the client"],
    ]);
  });

  it("knows the peer on a Node server, and an aborted request there", async () => {
    const { evident, app } = make({ routes: { "POST /x": { body: ["reason"] } } });
    app.post("/x", async (c) => c.text(String((await c.req.json<{ n: number }>()).n)));
    app.get("/slow", (c) =>
      stream(c, async (writer) => {
        for (let count = 0; count < 100 && !writer.aborted; count += 1) {
          await writer.write("part");
          await sleep(10);
        }
      }),
    );
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
    await new Promise((resolve) => {
      server.once("listening", resolve);
    });
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    const body = JSON.stringify({ reason: "visit", password: "secret", n: 7 });
    const answer = await fetch(`${url}/x`, { method: "POST", body, headers: { "content-type": "application/json" } });
    expect(await answer.text()).toBe("7");
    const abort = new AbortController();
    const slow = await fetch(`${url}/slow`, { signal: abort.signal });
    await slow.body?.getReader().read();
    abort.abort();
    while (evident.events.length < 2) await sleep(5);
    expect(evident.events).toMatchObject([
      {
        source: { ip: "127.0.0.1", ipTrust: "peer" },
        actor: { type: "anonymous", id: "127.0.0.1" },
        detail: { body: { reason: "visit" } },
      },
      { outcome: { status: "failure", code: "499" } },
    ]);
    expect(JSON.stringify(evident.events)).not.toContain("secret");
    server.close();
  });
});
