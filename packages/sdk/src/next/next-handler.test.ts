import { describe, expect, it } from "vitest";
import { createTestEvident } from "../testing/index.ts";
import { nextEvident } from "./index.ts";

const route = { params: Promise.resolve({ id: "p-1" }) };
const request = (path = "/", init?: RequestInit): Request => new Request(`https://shop.example${path}`, init);

describe("the wrapper of route handlers of Next.js", () => {
  it("records what a handler answers, with the template that it was given", async () => {
    const evident = createTestEvident();
    const audited = nextEvident(evident, {
      actor: (each) => ({ type: "user", id: each.headers.get("x-user") ?? "", ns: "shop" }),
      trustProxy: 1,
    });
    const GET = audited("/api/patients/[id]", async (_request, { params }: typeof route, access) => {
      access.label("phi");
      return Response.json(await params, { headers: { "x-own": "1" } });
    });
    const answer = await GET(
      request("/api/patients/p-1?token=secret", {
        headers: { "x-user": "ada", "x-forwarded-for": "198.51.100.7, 203.0.113.9" },
      }),
      route,
    );
    expect([answer.status, answer.headers.get("x-own"), await answer.json()]).toEqual([200, "1", { id: "p-1" }]);
    expect(evident.events).toMatchObject([
      {
        actor: { id: "ada" },
        action: { op: "READ", name: "GET /api/patients/[id]" },
        resources: [{ type: "http.route", id: "p-1", scope: ["/api/patients/[id]"] }],
        outcome: { status: "success", code: "200" },
        source: { ip: "203.0.113.9", ipTrust: "forwarded", via: ["198.51.100.7"] },
        labels: ["phi"],
      },
    ]);
    expect(JSON.stringify(evident.events)).not.toContain("secret");
  });

  it("takes a redirect or a 404 that Next.js throws for the answer that it is, and other errors for failures", async () => {
    const evident = createTestEvident();
    const audited = nextEvident(evident);
    const thrown = (error: unknown): (() => Promise<Response>) => {
      const handler = audited("/x", () => {
        throw error;
      });
      return () => handler(request("/x", { method: "POST" }), undefined);
    };
    const digest = (text: string): Error => Object.assign(new Error("next"), { digest: text });
    await expect(thrown(digest("NEXT_REDIRECT;replace;/login?token=secret;307;"))()).rejects.toThrow("next");
    await expect(thrown(digest("NEXT_HTTP_ERROR_FALLBACK;403"))()).rejects.toThrow("next");
    await expect(thrown(new RangeError("secret"))()).rejects.toThrow("secret");
    expect(evident.events.map(({ outcome }) => outcome)).toEqual([
      { status: "success", code: "307" },
      { status: "denied", code: "403" },
      { status: "failure", code: "500", reason: "RangeError" },
    ]);
    expect(evident.events[0]).toMatchObject({ actor: { type: "anonymous", id: "unknown" }, resources: [{ id: "/x" }] });
    expect(JSON.stringify(evident.events)).not.toContain("secret");
  });

  it("reads named fields of the body and leaves the body to the handler", async () => {
    const evident = createTestEvident();
    const audited = nextEvident(evident, { defaults: { body: ["reason"] } });
    const POST = audited("/x", async (each) => Response.json(await each.json()));
    const json = request("/x", {
      method: "POST",
      body: '{"reason":"visit","password":"secret"}',
      headers: { "content-type": "application/json" },
    });
    expect(await (await POST(json, undefined)).json()).toEqual({ reason: "visit", password: "secret" });
    const form = new FormData();
    form.set("reason", "form");
    const formHandler = audited("/form", () => new Response(null, { status: 204 }));
    await formHandler(request("/form", { method: "POST", body: form }), undefined);
    expect(evident.events.map(({ detail }) => detail)).toEqual([
      { body: { reason: "visit" } },
      { body: { reason: "form" } },
    ]);
  });
});
