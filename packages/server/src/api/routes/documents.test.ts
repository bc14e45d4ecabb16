import { errors, eventJsonSchema } from "@evident/core";
import { makeEvent } from "@evident/testkit";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Compile } from "typebox/compile";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Ledger } from "../../ledger/index.ts";
import { NDJSON, openRawClient, send, startApi, type TestApi } from "../testing/index.ts";

let full = false;
function withPressure(ledger: Ledger): Ledger {
  return new Proxy(ledger, {
    get: (target, name) => {
      if (name === "pressure" && full) return () => ({ kind: "full", detail: "no room" });
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ wrapLedger: withPressure });
});
afterAll(() => api.close());

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly responses: Readonly<Record<string, unknown>>;
  readonly parameters?: readonly { readonly name: string; readonly description?: string }[];
}
interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

describe("/openapi.json", () => {
  it("is a valid OpenAPI 3.1 document", async () => {
    const answer = await api.fetch("/openapi.json", { key: "" });
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    const document = (await answer.json()) as OpenApi;
    expect(document.openapi).toBe("3.1.0");
    expect(await new Validator().validate(structuredClone(document) as unknown as Record<string, unknown>)).toEqual({
      valid: true,
    });
  });

  it("describes every route of the API, with a summary, a place and its refusals", async () => {
    const { paths } = (await (await api.fetch("/openapi.json")).json()) as OpenApi;
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = api.api.routes
      .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, "{$1}").replaceAll("*", "{*}")}`)
      .filter((route) => route.includes(" /v1/"));
    expect(described.filter((route) => route.includes(" /v1/")).sort()).toEqual(routes.sort());
    const poor = Object.entries(paths).flatMap(([path, operations]) =>
      Object.values(operations)
        .filter(({ summary = "", tags = [], responses }) => {
          const answers = Object.keys(responses).join().toUpperCase();
          const isWhole = answers.includes("20") && (!path.startsWith("/v1/") || answers.includes("4XX,5XX"));
          return !/^\S.*[^.]$/.test(summary) || tags.length !== 1 || !isWhole;
        })
        .map(() => path),
    );
    expect(poor).toEqual([]);
  });

  it("has a page to read it on, which loads nothing from elsewhere", async () => {
    const page = await api.fetch("/reference/", { key: "" });
    expect(page.status).toBe(200);
    const html = await page.text();
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    for (const [, file] of html.matchAll(/(?:src|href)="\.?\/?([^"]+\.(?:js|css))"/g))
      expect((await api.fetch(`/reference/${(file ?? "").replace(/^reference\//, "")}`, { key: "" })).status).toBe(200);
    expect((await api.fetch("/", { key: "", redirect: "manual" })).headers.get("location")).toBe("/reference");
  });
});

describe("/schema/event.json", () => {
  it("is the schema that events are checked with", async () => {
    const answer = await api.fetch("/schema/event.json", { key: "" });
    expect(answer.headers.get("content-type")).toBe("application/schema+json; charset=utf-8");
    expect(answer.headers.get("cache-control")).toContain("max-age");
    const schema = (await answer.json()) as Record<string, unknown>;
    expect(schema).toEqual(eventJsonSchema());
    const { origin, ...event } = makeEvent("x");
    const validator = Compile(schema as never);
    expect(validator.Check({ ...event, origin: { ...(origin as object), tenant: "t" } })).toBe(true);
    expect(validator.Check({ ...event, origin: { ...(origin as object), tenant: "t" }, extra: 1 })).toBe(false);
  });
});

describe("/healthz, /readyz and /errors", () => {
  it("say how the server is", async () => {
    expect(await (await api.fetch("/healthz", { key: "" })).json()).toEqual({ status: "ok" });
    expect(await (await api.fetch("/readyz", { key: "" })).json()).toEqual({ status: "ready", indexLag: 0 });
  });

  it("say not ready while the disk is full, and healthy all the same", async () => {
    full = true;
    const answer = await api.fetch("/readyz", { key: "" });
    const healthy = await api.fetch("/healthz", { key: "" });
    full = false;
    expect([answer.status, answer.headers.get("retry-after"), healthy.status]).toEqual([503, "1", 200]);
    expect(await answer.json()).toMatchObject({ code: "not_ready", detail: "the disk is full" });
  });

  it("explain every code, at the place that problem documents point to", async () => {
    const page = await (await api.fetch("/errors", { key: "" })).text();
    for (const code of Object.keys(errors)) expect(page).toContain(`id="${code}"`);
  });
});

describe("/metrics", () => {
  it("parses as Prometheus text, with help and type for each number and none of who uses the server", async () => {
    await (await send(api, [JSON.stringify(makeEvent("m1")), "{bad"].join("\n"), { type: NDJSON })).text();
    await send(api, JSON.stringify(makeEvent("m1")));
    const answer = await api.fetch("/metrics");
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    const kinds = new Map<string, string>();
    const values = new Map<string, number>();
    const unread: string[] = [];
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
      if (comment?.[1] === "TYPE") kinds.set(comment[2] ?? "", comment[3] ?? "");
      if (comment !== null) continue;
      const sample = /^([a-zA-Z_:][\w:]*)(\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? ([-+]?(?:\d[\d.e+-]*|Inf|NaN))$/.exec(
        line,
      );
      const name = (sample?.[1] ?? "").replace(/_(bucket|sum|count)$/, "");
      const isKnown = kinds.has(sample?.[1] ?? "") || ["histogram", "summary"].includes(kinds.get(name) ?? "");
      if (sample === null || !isKnown) unread.push(line);
      values.set(`${sample?.[1] ?? ""}${sample?.[2] ?? ""}`, Number(sample?.[3]));
    }
    expect(unread).toEqual([]);
    expect(values.get('evident_ingest_lines_total{status="stored"}')).toBe(1);
    expect(values.get('evident_ingest_lines_total{status="duplicate"}')).toBe(1);
    expect(values.get('evident_ingest_lines_total{status="quarantined"}')).toBe(1);
    expect(values.get("evident_ledger_entries_total")).toBeGreaterThan(2);
    expect(values.get("evident_index_missing_entries")).toBe(0);
    expect(text).not.toMatch(/main|default|evk_/);
  });

  it("is for keys of every tenant, and for this machine only where nobody stands between", async () => {
    expect((await api.fetch("/metrics", { key: "" })).status).toBe(200);
    for (const headers of [{ "x-forwarded-for": "10.0.0.1" }, { forwarded: "for=10.0.0.1" }] as Record<
      string,
      string
    >[])
      expect((await api.fetch("/metrics", { key: "", headers })).status).toBe(401);
  });
});

describe("/v1/status", () => {
  it("states clock, disk, log and index", async () => {
    for (const query of ["", "?reconcile=full"])
      expect(await (await api.fetch(`/v1/status${query}`)).json()).toMatchObject({
        version: "0.0.0",
        clock: { kind: "steady" },
        pressure: { kind: "ready" },
        counters: { commits: expect.any(Number) },
        reconciliation: { agrees: true },
      });
  });
});

describe("a problem document (RFC 9457)", () => {
  it.each([
    ["/nope", {}, 404, "not_found"],
    ["/v1/events?limit=0", {}, 400, "bad_request"],
    ["/v1/events?from=2026-03-02&to=2026-03-01", {}, 400, "bad_request"],
    ["/v1/events?q=%28", {}, 400, "bad_request"],
    ["/v1/events/%ZZ", {}, 400, "bad_request"],
    [`/v1/events/${"x".repeat(5_000)}`, {}, 400, "bad_request"],
    ["/v1/trails", { key: "" }, 401, "unauthenticated"],
    ["/v1/trails", { method: "PUT" }, 404, "not_found"],
    ["/v1/trails", { method: "POST", body: "{", headers: { "content-type": "application/json" } }, 400, "bad_request"],
    ["/v1/trails", { method: "POST", body: "", headers: { "content-type": "application/json" } }, 400, "bad_request"],
    [
      "/v1/trails",
      { method: "POST", body: "x=1", headers: { "content-type": "text/plain" } },
      415,
      "unsupported_media",
    ],
    [
      "/v1/trails",
      {
        method: "POST",
        body: JSON.stringify({ name: "x".repeat(70_000) }),
        headers: { "content-type": "application/json" },
      },
      413,
      "too_large",
    ],
    [
      "/v1/trails",
      { method: "POST", body: '{"__proto__":{},"name":"x"}', headers: { "content-type": "application/json" } },
      400,
      "bad_request",
    ],
  ] as const)("answers %s %j", async (path, init, status, code) => {
    const answer = await api.fetch(path, init);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      status,
      "application/problem+json; charset=utf-8",
    ]);
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({
      type: `/errors#${code}`,
      title: expect.stringMatching(/^[A-Z]/),
      status,
      code,
      detail: expect.stringMatching(/\S/),
      fix: expect.stringMatching(/[.?]$/),
      request: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(JSON.stringify(problem).length).toBeLessThan(4_000);
  });

  it("points at the character of a search that does not parse", async () => {
    const answer = await api.fetch(`/v1/events?q=${encodeURIComponent("actor.id:a and (")}`);
    const { errors: fields } = (await answer.json()) as { errors: { field: string; at: number; length: number }[] };
    expect(fields[0]).toMatchObject({ field: "q", at: expect.any(Number), length: expect.any(Number) });
    expect(fields[0]?.at).toBeGreaterThan(10);
  });

  it("answers a header that is too long, and then closes", async () => {
    const client = openRawClient(api.api.url);
    client.write(`GET /healthz HTTP/1.1\r\nhost: t\r\nx: ${"a".repeat(20_000)}\r\n\r\n`);
    await client.closed;
    expect(client.received()).toMatch(/^HTTP\/1\.1 4\d\d [^]*application\/problem\+json/);
  });

  it("says nothing of what is inside when the failure is ours", async () => {
    const broken = await startApi({
      wrapLedger: (ledger) =>
        new Proxy(ledger, {
          get: (target, name) => {
            const value: unknown = Reflect.get(target, name, target);
            if (name === "published")
              return () => {
                throw new TypeError("secret path /srv/keys");
              };
            return typeof value === "function" ? (value.bind(target) as unknown) : value;
          },
        }),
    });
    const answer = await broken.fetch("/v1/trails/main/log/checkpoint");
    expect(answer.status).toBe(500);
    const problem = (await answer.json()) as { request: string; detail: string };
    expect(JSON.stringify(problem)).not.toContain("secret path");
    expect(broken.logged()).toContain("secret path /srv/keys");
    expect(broken.logged()).toContain(problem.request);
    await broken.close();
  });
});

describe("every answer", () => {
  it("carries the headers that keep a browser safe, streamed ones too", async () => {
    const streamed = await send(api, JSON.stringify(makeEvent("h")), { type: NDJSON });
    for (const answer of [await api.fetch("/healthz"), await api.fetch("/nope"), streamed]) {
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(answer.headers.get("x-powered-by")).toBeNull();
      expect(answer.headers.get("strict-transport-security")).toBeNull();
    }
  });

  it("is logged by its path, without what was asked for", async () => {
    await api.fetch("/v1/events?q=very-private-question");
    expect(api.logged()).toContain('"path":"/v1/events","status":200');
    expect(api.logged()).not.toContain("very-private-question");
  });
});
