import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type FastifyInstance, fastify } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { createTestEvident, type TestEvident } from "../testing/index.ts";
import { type FastifyEvidentOptions, fastifyEvident } from "./index.ts";

const apps: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

async function serve(
  build: (app: FastifyInstance) => void,
  options: Omit<FastifyEvidentOptions, "evident"> = {},
): Promise<{ readonly evident: TestEvident; readonly url: string }> {
  const evident = createTestEvident();
  const app = fastify({ forceCloseConnections: true });
  apps.push(app);
  await app.register(fastifyEvident, { evident, ...options });
  build(app);
  return { evident, url: await app.listen({ port: 0, host: "127.0.0.1" }) };
}

async function settled(evident: TestEvident, count: number): Promise<void> {
  while (evident.events.length < count) await sleep(2);
}

describe("the plugin of Fastify", () => {
  it("records routes, unmatched paths, failures and denials of the whole application", async () => {
    const { evident, url } = await serve(
      (app) => {
        app.get("/patients/:id", (request) => {
          request.evident.label("phi");
          return { ok: true };
        });
        void app.register(
          (inner, _options, done) => {
            inner.get("/:id/broken", () => {
              throw Object.assign(new Error("secret"), { code: "E_BROKEN" });
            });
            done();
          },
          { prefix: "/inner" },
        );
        app.put("/closed", (_request, reply) => reply.code(403).send());
      },
      { actor: (request) => ({ type: "user", id: String(request.headers["x-user"]), ns: "shop" }) },
    );
    const headers = { "x-user": "ada" };
    await fetch(`${url}/patients/p-1?token=secret`, { headers });
    await fetch(`${url}/patients/p-1`, { headers, method: "HEAD" });
    await fetch(`${url}/inner/9/broken`, { headers });
    await fetch(`${url}/secret`, { headers });
    await fetch(`${url}/closed`, { headers, method: "PUT" });
    await settled(evident, 5);
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
      ["ada", "READ", "GET /patients/:id", "p-1", { status: "success", code: "200" }, ["phi"]],
      ["ada", "READ", "HEAD /patients/:id", "p-1", { status: "success", code: "200" }, ["phi"]],
      [
        "ada",
        "READ",
        "GET /inner/:id/broken",
        "9",
        { status: "failure", code: "500", reason: "Error E_BROKEN" },
        undefined,
      ],
      ["ada", "READ", "GET (unmatched)", "(unmatched)", { status: "failure", code: "404" }, undefined],
      ["ada", "WRITE", "PUT /closed", "/closed", { status: "denied", code: "403" }, undefined],
    ]);
    expect(evident.events[0]?.trace?.requestId).toBe("req-1");
    expect(JSON.stringify(evident.events)).not.toContain("secret");
  });

  it("records a stream at its end, and a client that goes away as a failure", async () => {
    const { evident, url } = await serve((app) => {
      app.get("/endless", (_request, reply) => {
        const stream = new Readable({ read: () => undefined });
        stream.push("first");
        return reply.send(stream);
      });
      app.get("/short", (_request, reply) => reply.send(Readable.from(["a", "b"])));
    });
    expect(await (await fetch(`${url}/short`)).text()).toBe("ab");
    const [answer] = (await once(httpRequest(`${url}/endless`).end(), "response")) as [
      NodeJS.ReadableStream & { destroy(): void },
    ];
    await once(answer, "data");
    answer.destroy();
    await settled(evident, 2);
    expect(evident.events.map(({ outcome }) => outcome.code)).toEqual(["200", "499"]);
  });

  it("reads only the named fields of a body, and answers injected requests alike", async () => {
    const evident = createTestEvident();
    const app = fastify();
    apps.push(app);
    await app.register(fastifyEvident, { evident, defaults: { body: ["reason"] } });
    app.post("/x", () => "");
    await app.inject({ method: "POST", url: "/x", payload: { reason: "visit", password: "secret" } });
    await settled(evident, 1);
    expect(evident.events[0]?.detail).toEqual({ body: { reason: "visit" } });
  });
});
