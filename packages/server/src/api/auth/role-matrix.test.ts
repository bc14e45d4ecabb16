import { makeEvent } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApi, type TestApi } from "../testing/index.ts";

/**
 * Who may do what. `keys` are the roles of a tenant's own keys: Producer, Reader, Auditor, Operator, aDmin. `system` are those of keys of
 * the tenant `*`, where they differ. `elsewhere` is what a key of another tenant, and one that is limited to another trail, are told.
 */
interface Row {
  readonly route: string;
  readonly keys: string;
  readonly system?: string;
  /** The answer to those who may. */
  readonly answer: number;
  readonly elsewhere: number;
  readonly path?: () => string;
  readonly body?: () => unknown;
  readonly prepare?: () => Promise<unknown>;
}

let made = 0;
const fresh = (): string => {
  made += 1;
  return `made-${made}`;
};
let victim = "";

const ANY = "PRAOD";
const READ = "RAD";
const rows: readonly Row[] = [
  {
    route: "POST /v1/events",
    keys: "PD",
    answer: 201,
    elsewhere: 404,
    body: () => makeEvent(fresh()),
    path: () => "/v1/events?trail=main",
  },
  {
    route: "POST /v1/receive/kubernetes",
    keys: "PD",
    answer: 200,
    elsewhere: 404,
    body: () => ({ kind: "EventList", apiVersion: "audit.k8s.io/v1", items: [] }),
    path: () => "/v1/receive/kubernetes?trail=main&source=cluster",
  },
  {
    route: "POST /v1/receive/kubernetes/:cluster",
    keys: "PD",
    answer: 200,
    elsewhere: 404,
    body: () => ({ kind: "EventList", apiVersion: "audit.k8s.io/v1", items: [] }),
    path: () => "/v1/receive/kubernetes/eu-1?trail=main&source=cluster",
  },
  {
    route: "POST /v1/logs",
    keys: "PD",
    answer: 200,
    elsewhere: 404,
    body: () => ({ resourceLogs: [] }),
    path: () => "/v1/logs?trail=main&source=collector",
  },
  { route: "GET /v1/events", keys: READ, answer: 200, elsewhere: 404, path: () => "/v1/events?trail=main" },
  { route: "GET /v1/events/:id", keys: READ, answer: 200, elsewhere: 404, path: () => "/v1/events/seed" },
  { route: "GET /v1/events/:id/proof", keys: READ, answer: 200, elsewhere: 404, path: () => "/v1/events/main:0/proof" },
  { route: "GET /v1/tail", keys: READ, answer: 200, elsewhere: 404, path: () => "/v1/tail?trail=main" },
  { route: "GET /v1/export", keys: READ, answer: 200, elsewhere: 404, path: () => "/v1/export?trail=main" },
  { route: "GET /v1/sources", keys: "RAOD", answer: 200, elsewhere: 404, path: () => "/v1/sources?trail=main" },
  { route: "GET /v1/stats", keys: READ, answer: 200, elsewhere: 404, path: () => "/v1/stats?trail=main" },
  { route: "GET /v1/trails", keys: ANY, answer: 200, elsewhere: 200 },
  { route: "GET /v1/trails/:trail", keys: ANY, answer: 200, elsewhere: 404, path: () => "/v1/trails/main" },
  {
    route: "POST /v1/trails",
    keys: "OD",
    answer: 201,
    elsewhere: 403,
    body: () => ({ name: fresh(), tenant: "default" }),
  },
  {
    route: "POST /v1/trails/:trail/rotate",
    keys: "OD",
    answer: 200,
    elsewhere: 404,
    path: () => "/v1/trails/main/rotate",
    // A rotation needs a checkpoint that the last one did not sign.
    prepare: () => store(fresh()),
  },
  { route: "POST /v1/trails/:trail/seal", keys: "OD", answer: 200, elsewhere: 404, path: () => "/v1/trails/main/seal" },
  {
    route: "GET /v1/trails/:trail/log/checkpoint",
    keys: ANY,
    answer: 200,
    elsewhere: 404,
    path: () => "/v1/trails/main/log/checkpoint",
  },
  {
    route: "GET /v1/trails/:trail/log/tile/*",
    keys: ANY,
    answer: 200,
    elsewhere: 404,
    path: () => "/v1/trails/main/log/tile/0/000.p/1",
  },
  {
    route: "GET /v1/trails/:trail/log/tile/entries/*",
    keys: "AD",
    answer: 200,
    elsewhere: 404,
    path: () => "/v1/trails/main/log/tile/entries/000.p/1",
  },
  {
    route: "GET /v1/trails/:trail/log/rotations",
    keys: ANY,
    answer: 200,
    elsewhere: 404,
    path: () => "/v1/trails/main/log/rotations",
  },
  {
    route: "GET /v1/trails/:trail/log/rotations/:file",
    keys: ANY,
    answer: 200,
    elsewhere: 404,
    path: () => "/v1/trails/main/log/rotations/1.note",
  },
  { route: "GET /v1/keys", keys: "AD", answer: 200, elsewhere: 200 },
  {
    route: "POST /v1/keys",
    keys: "D",
    answer: 201,
    elsewhere: 403,
    body: () => ({ role: "reader", tenant: "default", trails: ["main"] }),
  },
  { route: "DELETE /v1/keys/:id", keys: "D", answer: 200, elsewhere: 404, path: () => `/v1/keys/${victim}` },
  { route: "GET /v1/status", keys: "", system: "AOD", answer: 200, elsewhere: 403 },
  { route: "GET /metrics", keys: "", system: "RAOD", answer: 200, elsewhere: 403 },
  { route: "POST /v1/clock/confirm", keys: "", system: "OD", answer: 200, elsewhere: 403 },
];

/** Open to anybody: they carry nothing of what is stored. */
const publicRoutes = [
  "GET /",
  "GET /errors",
  "GET /healthz",
  "GET /openapi.json",
  "GET /readyz",
  "GET /schema/event.json",
  "GET /sdk.tgz",
];

const letters = { P: "producer", R: "reader", A: "auditor", O: "operator", D: "admin" } as const;
type Letter = keyof typeof letters;

let api: TestApi;
let aheadMs = 0;
const keys = new Map<string, string>();
const clock = { wallMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };

beforeAll(async () => {
  api = await startApi({ ledger: { clock } });
  const make = async (name: string, body: object): Promise<string> => {
    const { id, key } = await api.makeKey({ ...body, sources: ["*"] });
    keys.set(name, key);
    return id;
  };
  for (const [letter, role] of Object.entries(letters)) {
    await make(letter, { role });
    await make(`${letter}*`, { role, tenant: "*" });
    await make(`${letter} elsewhere`, { role, tenant: "acme" });
    await make(`${letter} limited`, { role, trails: ["second"] });
    await make(`${letter} expired`, { role, expires: new Date(Date.now() + 60_000).toISOString() });
    const revoked = await make(`${letter} revoked`, { role });
    await api.fetch(`/v1/keys/${revoked}`, { method: "DELETE" });
  }
  aheadMs += 120_000;
  victim = (await api.makeKey({ role: "reader" })).id;
  await api.ledger.createTrail({ name: "second", tenant: "default", by: "test" });
  await store("seed");
  await api.ledger.rotateKeys("main", "test");
});
afterAll(() => api.close());

/** Stores an event in `main` and waits for its checkpoint. */
async function store(id: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(makeEvent(id));
  const answer = await api.fetch("/v1/events", { method: "POST", headers, body });
  await api.ledger.waitPublished("main", ((await answer.json()) as { index: number }).index + 1);
}

async function ask(row: Row, key: string): Promise<number> {
  const [method = "", url = ""] = row.route.split(" ");
  await row.prepare?.();
  const body = row.body?.();
  const abort = new AbortController();
  const answer = await api.fetch(row.path?.() ?? url, {
    method,
    key,
    signal: abort.signal,
    ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  abort.abort();
  return answer.status;
}

const nameOf = (method: string, url: string): string => `${method} ${url}`;

describe("the routes", () => {
  it("are all in the table, so that a new one must say who may use it", () => {
    const found = api.api.routes
      .filter(({ url }) => !url.startsWith("/reference"))
      .map(({ method, url }) => nameOf(method, url));
    expect(found.sort()).toEqual([...rows.map(({ route }) => route), ...publicRoutes].sort());
  });

  it("are public only where the table says so", () => {
    const open = api.api.routes.filter(({ access }) => access?.kind === "public");
    const found = open.filter(({ url }) => !url.startsWith("/reference")).map(({ method, url }) => nameOf(method, url));
    expect(found.sort()).toEqual(publicRoutes);
  });

  it.each(publicRoutes)("%s answers anybody", async (route) => {
    for (const key of ["", "nonsense", keys.get("P revoked") ?? ""]) {
      const answer = await api.fetch(route.split(" ")[1] ?? "", { key, redirect: "manual" });
      expect([200, 302]).toContain(answer.status);
    }
  });
});

describe.each(rows)("$route", (row) => {
  const { keys: allowed, system = allowed, answer, elsewhere } = row;
  const expected = (letter: Letter, roles: string, otherwise: number): number =>
    roles.includes(letter) ? otherwise : 403;

  it.each(Object.keys(letters) as Letter[])("role %s", async (letter) => {
    expect(await ask(row, keys.get(letter) ?? "")).toBe(expected(letter, allowed, answer));
    expect(await ask(row, keys.get(`${letter}*`) ?? "")).toBe(expected(letter, system, answer));
    expect(await ask(row, keys.get(`${letter} elsewhere`) ?? "")).toBe(expected(letter, allowed, elsewhere));
    expect(await ask(row, keys.get(`${letter} limited`) ?? "")).toBe(expected(letter, allowed, elsewhere));
    expect(await ask(row, keys.get(`${letter} expired`) ?? "")).toBe(401);
    expect(await ask(row, keys.get(`${letter} revoked`) ?? "")).toBe(401);
  });

  it("without a key, with an unknown one and with one that is none", async () => {
    // Direct connections from this machine may read the metrics without a key.
    expect(await ask(row, "")).toBe(row.route === "GET /metrics" ? 200 : 401);
    expect(await ask(row, `evk_${"0".repeat(16)}_${"A".repeat(43)}`)).toBe(401);
    expect(await ask(row, "not-a-key")).toBe(401);
    const known = keys.get("D*") ?? "";
    expect(await ask(row, known.slice(0, -1) + (known.endsWith("A") ? "B" : "A"))).toBe(401);
  });
});
