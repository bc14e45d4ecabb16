import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { EvidentError } from "@evident/core";
import { makeEvent, makeTemporaryDirectory } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEntries, send, startApi, type TestApi } from "../testing/index.ts";

let api: TestApi;
let aheadMs = 0;
beforeAll(async () => {
  const clock = { wallMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
  api = await startApi({ ledger: { clock } });
});
afterAll(() => api.close());

const json = { "content-type": "application/json" };

const secretOf = (key: string): string => key.slice("evk_".length + 17);

function make(body: object): Promise<Response> {
  return api.fetch("/v1/keys", { method: "POST", headers: json, body: JSON.stringify(body) });
}

/** Every byte below a directory that holds a text, by file. */
function filesWith(dir: string, text: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && readFileSync(join(each.parentPath, each.name)).includes(text))
    .map(({ name }) => name);
}

describe("an API key", () => {
  it("is shown once and stored hashed", async () => {
    const answer = await make({ role: "reader", name: "report" });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const { key, ...shown } = (await answer.json()) as { key: string; id: string };
    expect(key).toMatch(/^evk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    expect(shown).toMatchObject({
      role: "reader",
      tenant: "default",
      sources: ["report"],
      trails: ["*"],
      name: "report",
    });
    const listed = await (await api.fetch("/v1/keys")).text();
    expect(listed).toContain(shown.id);
    expect(listed).not.toContain(secretOf(key));
    expect(listed).not.toContain("hash");
    expect(filesWith(api.dir, secretOf(key))).toEqual([]);
    const statement = (await readEntries(api.ledger, "evident")).at(-1);
    expect(statement).toMatchObject({
      statement: { type: "key.created", id: shown.id, hash: expect.any(String), by: api.adminKey.split("_")[1] },
    });
  });

  it("takes the place of its source where it has no name that can be one", async () => {
    for (const body of [{ role: "producer" }, { role: "producer", name: "Dépôt nº 1" }]) {
      const { id, sources } = (await (await make(body)).json()) as { id: string; sources: string[] };
      expect(sources).toEqual([`key-${id}`]);
    }
  });

  it.each([
    [{}, "role", "is missing"],
    [{ role: "king" }, "role", "is none of the allowed values"],
    [{ role: "reader", tenat: "x" }, "tenat", "is not known in the body"],
    [{ role: "reader", expires: "2020-01-01T00:00:00Z" }, "expires", "is not in the future"],
    [{ role: "reader", expires: "2026-13-45T00:00:00Z" }, "expires", "is not in the future"],
    [{ role: "reader", expires: "tomorrow" }, "expires", expect.stringContaining("pattern")],
    [{ role: "reader", trails: ["a"], defaultTrail: "b" }, "defaultTrail", "is not among trails"],
    [{ role: "reader", trails: [] }, "trails", expect.any(String)],
    [{ role: "reader", name: "a\nb" }, "name", expect.any(String)],
    [{ role: "reader", trails: ["Upper"] }, "trails.0", expect.any(String)],
  ])("is not made of %j", async (body, field, problem) => {
    const answer = await make(body);
    expect(answer.status).toBe(400);
    const { errors } = (await answer.json()) as { errors: { field: string; problem: string; fix: string }[] };
    expect(errors[0]).toEqual({ field, problem, fix: expect.stringMatching(/[.?]$/) });
  });

  it("expires at its time", async () => {
    const expires = new Date(Date.now() + aheadMs + 60_000).toISOString();
    const { key } = await api.makeKey({ role: "reader", expires });
    expect((await api.fetch("/v1/events", { key })).status).toBe(200);
    aheadMs += 61_000;
    const answer = await api.fetch("/v1/events", { key });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="evident"');
    expect(await answer.json()).toMatchObject({ code: "unauthenticated", detail: "the key has expired" });
  });

  it("ends an open tail when it expires", async () => {
    const expires = new Date(Date.now() + aheadMs + 300).toISOString();
    const { key } = await api.makeKey({ role: "reader", expires });
    const answer = await api.fetch("/v1/tail", { key });
    expect(await answer.text()).toContain(": open");
  });

  it("is refused from the moment it is revoked, also on an open tail", async () => {
    const { key, id } = await api.makeKey({ role: "reader" });
    const tail = await api.fetch("/v1/tail", { key });
    const revoke = (): Promise<Response> => api.fetch(`/v1/keys/${id}?reason=lost`, { method: "DELETE" });
    const revoked = (await (await revoke()).json()) as { revoked: { at: string } };
    expect(revoked).toMatchObject({ id, revoked: { by: api.adminKey.split("_")[1], reason: "lost" } });
    await send(api, JSON.stringify(makeEvent("after-revocation")));
    expect((await api.fetch("/v1/events", { key })).status).toBe(401);
    const text = await tail.text();
    expect(text).toContain(": open");
    expect(text).not.toContain("after-revocation");
    expect(await (await revoke()).json()).toMatchObject({ revoked: { at: revoked.revoked.at } });
    expect((await readEntries(api.ledger, "evident-reads")).at(-1)).toMatchObject({
      event: { action: { name: "tail.close" }, detail: { end: "key" } },
    });
  });

  it.each(["Basic abc", "Bearer x", "bearer a b", "Bearer evk_x_y", `Bearer ${"x".repeat(5_000)}`, "evk"])(
    "is asked for when the header is %j",
    async (authorization) => {
      const answer = await api.fetch("/v1/trails", { key: "", headers: { authorization } });
      expect(answer.status).toBe(401);
      expect(await answer.text()).not.toContain(authorization);
    },
  );

  it("may stand behind any spelling of Bearer", async () => {
    for (const scheme of ["bearer", "BEARER", "Bearer "])
      expect(
        (await api.fetch("/v1/trails", { key: "", headers: { authorization: `${scheme} ${api.adminKey}` } })).status,
      ).toBe(200);
  });

  it("is in no log line and no answer, wherever somebody puts it", async () => {
    const { key } = await api.makeKey({ role: "admin", tenant: "*" });
    const secret = secretOf(key);
    const encoded = encodeURIComponent(key);
    const answers = await Promise.all([
      api.fetch(`/v1/keys/${encoded}`, { method: "DELETE" }),
      api.fetch(`/v1/events/${encoded}`),
      api.fetch(`/v1/${encoded}`),
      api.fetch(`/v1/trails/${encoded}`),
      api.fetch(`/v1/events?q=${encoded}:(`),
      api.fetch(`/v1/events?${encoded}=1`),
      api.fetch(`/v1/events?trail=${encoded}`),
      api.fetch(`/v1/events?from=${encoded}`),
      api.fetch("/v1/trails", { key: `${key}x` }),
      api.fetch("/v1/tail", { headers: { "last-event-id": key } }),
      make({ role: key, [key]: 1 }),
      api.fetch("/v1/keys", { method: "POST", headers: json, body: `{"role":"reader",${key}` }),
      api.fetch("/v1/keys", { method: "POST", headers: { "content-type": key }, body: "{}" }),
      send(api, "{}", { type: key }),
      send(api, "{}", { encoding: key }),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(await answer.text()).not.toContain(secret);
    }
    const logged = api.logged();
    expect(logged.length).toBeGreaterThan(1_000);
    expect(logged).not.toContain(secret);
    expect(logged).not.toContain(secretOf(api.adminKey));
  });
});

describe("the bootstrap key", () => {
  it("is made in a new store, for its owner's eyes only, and not again", async () => {
    using directory = makeTemporaryDirectory("keys");
    const first = await startApi({ dir: directory.path });
    expect(first.api.bootstrap).toMatchObject({ kind: "made", key: first.adminKey });
    const file = join(directory.path, "data.keys", "bootstrap-admin");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(first.logged()).not.toContain(secretOf(first.adminKey));
    await first.close();
    const again = await startApi({ dir: directory.path });
    expect(again.api.bootstrap).toEqual({ kind: "present" });
    expect(again.adminKey).toBe(first.adminKey);
    expect((await again.fetch("/v1/keys")).status).toBe(200);
    await again.close();
  });

  it("is the one in EVIDENT_BOOTSTRAP_KEY where that is given, then and later", async () => {
    using directory = makeTemporaryDirectory("keys");
    const given = `evk_${"a1".repeat(8)}_${"B".repeat(43)}`;
    const first = await startApi({ dir: directory.path, bootstrapKey: given });
    expect(first.api.bootstrap).toEqual({ kind: "given", keyId: "a1".repeat(8) });
    expect(readdirSync(join(directory.path, "data.keys"))).not.toContain("bootstrap-admin");
    const { key, id } = await first.makeKey({ role: "admin", tenant: "*" });
    expect((await first.fetch(`/v1/keys/${"a1".repeat(8)}`, { method: "DELETE", key })).status).toBe(200);
    await first.close();
    // Revoked stays revoked, whatever the environment says.
    const again = await startApi({ dir: directory.path, bootstrapKey: given });
    expect(again.api.bootstrap).toEqual({ kind: "present" });
    expect((await again.fetch("/v1/keys")).status).toBe(401);
    expect((await again.fetch(`/v1/keys`, { key })).status).toBe(200);
    await again.close();
    // Another one opens a store whose keys are lost.
    const rescue = `evk_${"b2".repeat(8)}_${"C".repeat(43)}`;
    const third = await startApi({ dir: directory.path, bootstrapKey: rescue });
    expect((await third.fetch(`/v1/keys/${id}`, { method: "DELETE" })).status).toBe(200);
    await third.close();
  });

  it.each(["short", `evk_${"a1".repeat(8)}_${"B".repeat(42)}`, `evk_${"A1".repeat(8)}_${"B".repeat(43)}`])(
    "stops the start when %j is given",
    async (given) => {
      using directory = makeTemporaryDirectory("keys");
      const failure = await startApi({ dir: directory.path, bootstrapKey: given }).catch((cause: unknown) => cause);
      expect(failure).toBeInstanceOf(EvidentError);
      expect(failure).toMatchObject({ code: "config_invalid", message: expect.not.stringContaining(given) });
    },
  );
});
