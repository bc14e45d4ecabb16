import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import express, { type ErrorRequestHandler, type Request } from "express";
import { afterEach, describe, expect, it } from "vitest";
import { defineAction, t } from "../catalogue/index.ts";
import { createTestEvident, type TestEvident } from "../testing/index.ts";
import { type AccessOptions, expressEvident } from "./index.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

interface Site {
  readonly evident: TestEvident;
  readonly url: string;
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
}

async function serve(build: (app: express.Express) => void, options: AccessOptions<Request> = {}): Promise<Site> {
  const evident = createTestEvident({ system: "shop" });
  const app = express();
  app.use(expressEvident(evident, options));
  app.use(express.json());
  build(app);
  const failed: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    response.status((error as { status?: number }).status ?? 500).end();
  };
  app.use(failed);
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { evident, url, get: (path, init) => fetch(`${url}${path}`, init) };
}

async function settled(evident: TestEvident, count = 1): Promise<void> {
  while (evident.events.length < count) await sleep(2);
}

describe("the middleware of Express", () => {
  it("says who did what to which resource, from the template of the route", async () => {
    const { evident, get } = await serve(
      (app) => app.get("/wards/:ward/patients/:id", (_request, response) => void response.send("x")),
      { actor: (request) => ({ type: "user", id: String(request.get("x-user")), ns: "shop" }) },
    );
    const answer = await get("/wards/7/patients/p-17?token=secret", {
      headers: {
        "x-user": "ada",
        "user-agent": "test/1",
        "x-request-id": "r-1",
        "x-forwarded-for": "203.0.113.9",
        traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
      },
    });
    expect(await answer.text()).toBe("x");
    await settled(evident);
    const [event] = evident.events;
    expect(event).toMatchObject({
      actor: { type: "user", id: "ada", ns: "shop" },
      action: { op: "READ", name: "GET /wards/:ward/patients/:id", kind: "http" },
      resources: [{ type: "http.route", id: "p-17", scope: ["/wards/:ward/patients/:id"] }],
      outcome: { status: "success", code: "200" },
      source: { ip: "127.0.0.1", port: expect.any(Number), ipTrust: "peer", userAgent: "test/1" },
      trace: { requestId: "r-1", traceId: "a".repeat(32), spanId: "b".repeat(16) },
    });
    expect(event?.source).not.toHaveProperty("via");
    expect(event?.time.ended ?? "").toMatch(/Z$/);
    expect(JSON.stringify(event)).not.toMatch(/secret|203\.0\.113/);
  });

  it.each([
    ["GET", "/x", 200, "READ", "success"],
    ["HEAD", "/x", 200, "READ", "success"],
    ["POST", "/x", 201, "CREATE", "success"],
    ["PUT", "/x", 204, "WRITE", "success"],
    ["PATCH", "/x", 302, "UPDATE", "success"],
    ["DELETE", "/x", 401, "DELETE", "denied"],
    ["DELETE", "/x", 403, "DELETE", "denied"],
    ["OPTIONS", "/x", 404, "OTHER", "failure"],
    ["POST", "/x", 503, "CREATE", "failure"],
  ])("%s answered %s %i is %s, %s", async (method, path, status, op, outcome) => {
    const { evident, get } = await serve((app) =>
      app.all("/x", (_request, response) => void response.status(status).end()),
    );
    await get(path, { method, redirect: "manual" });
    await settled(evident);
    expect(evident.events).toMatchObject([
      {
        action: { op, name: `${method} /x` },
        resources: [{ type: "http.route", id: "/x" }],
        outcome: { status: outcome, code: String(status) },
      },
    ]);
  });

  it("keeps template and parameters through mounted routers and failing handlers", async () => {
    const { evident, get } = await serve((app) => {
      const patients = express.Router();
      patients.get("/", (_request, response) => void response.send("list"));
      patients.get("/:id", (request) => {
        throw Object.assign(new Error("secret"), { status: request.params.id === "none" ? 404 : 500 });
      });
      app.use("/wards/:ward/patients", patients);
    });
    await get("/wards/7/patients");
    await get("/wards/7/patients/p-1");
    await get("/wards/a%20b/patients/none");
    await get("/elsewhere/secret");
    await settled(evident, 4);
    expect(
      evident.events.map(({ action, resources: [resource], outcome }) => [action.name, resource?.id, outcome.code]),
    ).toEqual([
      ["GET /wards/:ward/patients", "7", "200"],
      ["GET /wards/:ward/patients/:id", "p-1", "500"],
      ["GET /wards/:ward/patients/:id", "none", "404"],
      ["GET (unmatched)", "(unmatched)", "404"],
    ]);
    expect(JSON.stringify(evident.events)).not.toContain("secret");
  });

  it("records a client that goes away as a failure, and a stream when it has ended", async () => {
    let release: () => void = () => undefined;
    const { evident, url } = await serve((app) =>
      app.get("/stream", async (_request, response) => {
        response.write("first");
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        response.end("last");
      }),
    );
    const [answer] = (await once(httpRequest(`${url}/stream`).end(), "response")) as [
      NodeJS.ReadableStream & { destroy(): void },
    ];
    await once(answer, "data");
    await sleep(20);
    evident.expectNone();
    answer.destroy();
    await settled(evident);
    expect(evident.events[0]?.outcome).toMatchObject({ status: "failure", code: "499" });
    const whole = fetch(`${url}/stream`);
    await sleep(50);
    release();
    expect(await (await whole).text()).toBe("firstlast");
    await settled(evident, 2);
    expect(evident.events[1]?.outcome).toEqual({ status: "success", code: "200" });
    expect(evident.stats().open).toBe(0);
  });

  it("is completed by its handler", async () => {
    const update = defineAction({
      name: "patient.update",
      op: "UPDATE",
      resource: { type: "patient" },
      detail: t.object({ reason: t.text() }),
      labels: ["phi"],
    });
    const { evident, get } = await serve((app) => {
      app.post("/patients/:id", (request, response) => {
        request.evident
          .perform(update, { resource: { id: "p-1", scope: ["ward-7"] }, detail: { reason: "visit" } })
          .resource({ type: "ward", id: "7", role: "related" })
          .changes({ name: "A", age: 1 }, { name: "B", age: 1 })
          .impact({ rows: "1" })
          .label("bulk")
          .detail({ more: true })
          .actor({ type: "service", id: "import", ns: "shop" })
          .outcome({ status: "pending" });
        response.end();
      });
      app.get("/health", (request, response) => {
        request.evident.skip();
        response.end();
      });
    });
    await get("/health");
    await get("/patients/p-1", { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
    await settled(evident);
    expect(evident.events).toMatchObject([
      {
        actor: { type: "service", id: "import" },
        action: { op: "UPDATE", name: "patient.update", kind: "api" },
        resources: [
          { type: "patient", id: "p-1", scope: ["ward-7"] },
          { type: "ward", id: "7" },
        ],
        outcome: { status: "pending" },
        impact: { fields: ["name"], before: expect.any(String), after: expect.any(String), rows: "1", bytesIn: "2" },
        labels: ["phi", "bulk"],
        detail: { reason: "visit", more: true },
      },
    ]);
    expect(evident.stats().open).toBe(0);
  });

  it("records of a body only the fields that are named, and goes by the settings of a route", async () => {
    const { evident, get } = await serve(
      (app) => {
        app.post("/search/:area", (_request, response) => void response.end());
        app.get("/assets/:name", (_request, response) => void response.end());
        app.get("/all/:a/:b/:c", (_request, response) => void response.end());
      },
      {
        routes: {
          "POST /search/:area": {
            op: "READ",
            action: "search",
            resource: "index",
            params: [],
            body: ["query", "missing"],
            labels: ["search"],
          },
          "GET /assets/:name": { skip: true },
          "GET /all/:a/:b/:c": { params: ["c", "a"] },
        },
      },
    );
    const body = JSON.stringify({ query: "x".repeat(5_000), password: "secret" });
    await get("/assets/logo");
    await get("/search/all", { method: "POST", body, headers: { "content-type": "application/json" } });
    await get("/all/1/2/3");
    await settled(evident, 2);
    expect(evident.events).toMatchObject([
      {
        action: { op: "READ", name: "search" },
        resources: [{ type: "index", id: "/search/:area" }],
        detail: { body: { query: "x".repeat(4_096) } },
        labels: ["search"],
      },
      { resources: [{ id: "3/1" }] },
    ]);
    expect(JSON.stringify(evident.events)).not.toContain("secret");
  });

  it("takes the actor from a promise, and names a function that fails instead of failing itself", async () => {
    const { evident, get } = await serve((app) => app.get("/:kind", (_request, response) => void response.end()), {
      actor: async (request) => {
        await sleep(5);
        if (request.params.kind === "broken") throw new TypeError("secret");
        return request.params.kind === "none" ? undefined : { type: "user", id: "later", ns: "shop" };
      },
    });
    await get("/fine");
    await get("/broken");
    await get("/none");
    await settled(evident, 3);
    expect(evident.events.map(({ actor, origin }) => [actor.type, actor.id, origin.warnings])).toEqual([
      ["user", "later", undefined],
      ["anonymous", "127.0.0.1", ["the actor function failed with TypeError"]],
      ["anonymous", "127.0.0.1", undefined],
    ]);
  });

  it("trusts the proxies that are configured, and one request is one access", async () => {
    const { evident, get } = await serve(
      (app) => {
        app.use(expressEvident(createTestEvident()));
        app.get("/x", (_request, response) => void response.end());
      },
      { trustProxy: ["127.0.0.0/8"] },
    );
    await get("/x", { headers: { "x-forwarded-for": "198.51.100.7, 203.0.113.9" } });
    await settled(evident);
    expect(evident.events).toMatchObject([
      { source: { ip: "203.0.113.9", ipTrust: "forwarded", via: ["198.51.100.7"] } },
    ]);
  });
});
