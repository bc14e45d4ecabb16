import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readNative } from "../../testing/index.ts";
import { adapters } from "../index.ts";
import { json } from "./index.ts";

const base = `
time: { occurred: $.at }
actor: { type: user, id: $.user }
action: { name: $.verb, op: { path: $.verb, table: { look: READ, change: UPDATE }, ignoreCase: true } }
resources: { type: doc, id: $.doc, scope: [$.folder, $.folders] }
outcome: { status: { path: $.code, ranges: [{ to: 399, value: success }, { from: 403, to: 403, value: denied }, { from: 400, value: failure }] }, code: $.code }
origin: { system: app }
`;
const record = {
  at: "2026-11-24T09:30:00.5Z",
  user: "ada",
  verb: "look",
  doc: 17,
  folder: "a",
  folders: ["b", "c"],
  code: 200,
};

type Read = Awaited<ReturnType<typeof readNative>>;

async function read(value: unknown, mapping: string = base): Promise<Read> {
  return readNative(json, JSON.stringify(value), { options: { mapping } });
}

async function readOne(value: unknown, mapping: string = base): Promise<Read["events"][number] | undefined> {
  return (await read(value, mapping)).events[0];
}

describe("the generic adapter", () => {
  it("makes an event as the mapping says", async () => {
    expect(await readOne(record)).toEqual({
      v: 1,
      id: expect.any(String) as string,
      time: { occurred: "2026-11-24T09:30:00.500000000Z", precision: "ms", basis: "event" },
      actor: { type: "user", id: "ada", ns: "app" },
      action: { op: "READ", name: "look", kind: "other" },
      resources: [{ type: "doc", id: "17", scope: ["a", "b", "c"] }],
      outcome: { status: "success", code: "200" },
      source: {},
      origin: { tenant: "test", source: "test", system: "app", adapter: "json" },
      native: record,
    });
  });

  it("takes the loaded object as well as its text", async () => {
    const loaded = (await readNative(json, JSON.stringify(record), { options: { mapping: parse(base) as unknown } }))
      .events;
    expect(loaded).toEqual((await read(record)).events);
  });

  it("says what it does not know and what it assumed", async () => {
    const odd = await readOne({ ...record, verb: "juggle", code: "?" });
    expect([odd?.action.op, odd?.outcome, odd?.origin.warnings]).toEqual([
      "OTHER",
      { status: "unknown", code: "?" },
      ["op:default"],
    ]);
    const assuming = base
      .replace("id: $.user", "id: { path: $.user, default: nobody }")
      .replace("id: $.doc", "id: { path: $.doc, default: all }")
      .replace("occurred: $.at", "occurred: { path: $.at, zone: Europe/Berlin }");
    const assumed = await readOne({ ...record, user: null, doc: "-", at: "2026-11-24 09:30:00" }, assuming);
    expect(assumed?.origin.warnings).toEqual(["tz:assumed", "actor:default", "resource:default"]);
    expect(assumed?.time).toMatchObject({ occurred: "2026-11-24T08:30:00.000000000Z", tz: "assumed" });
  });

  it("looks words up in any case when asked to, and codes in ranges", async () => {
    expect((await readOne({ ...record, verb: "CHANGE", code: "403" }))?.action.op).toBe("UPDATE");
    const statuses = [399, 403, 404, "500", null].map(
      async (code) => (await readOne({ ...record, code }))?.outcome.status,
    );
    expect(await Promise.all(statuses)).toEqual(["success", "denied", "failure", "failure", "unknown"]);
  });

  it("names the member of the mapping that gave nothing", async () => {
    const lines = [
      { ...record, user: "" },
      { ...record, at: "yesterday" },
      { ...record, doc: {} },
      { ...record, verb: undefined },
      5,
    ];
    const input = [...lines.map((line) => JSON.stringify(line)), '{"at":'].join("\n");
    const { readings } = await readNative(json, input, { options: { mapping: base } });
    expect(readings.map((reading) => reading.kind === "unreadable" && reading.reasons[0])).toMatchObject([
      {
        field: "actor.id",
        problem: '"$.user" gives nothing',
        fix: "Give actor.id a default in the mapping, or skip such records.",
      },
      { field: "time.occurred", problem: '"$.at" gives no time' },
      { field: "resources" },
      { field: "action.name" },
      { field: "" },
      { field: "" },
    ]);
  });

  it("takes the time of receipt only when told to", async () => {
    const event = await readOne({ ...record, at: null }, `${base}missingTime: received\n`);
    expect(event).toMatchObject({
      time: { occurred: "2026-11-25T12:00:00.000000000Z", basis: "received" },
      origin: { warnings: ["time:received"] },
    });
  });

  it.each([
    ["epoch_s", 1_795_512_600, "2026-11-24T09:30:00.000000000Z", "s"],
    ["epoch_s", "1795512600.123456", "2026-11-24T09:30:00.123456000Z", "us"],
    ["epoch_ms", 1_795_512_600_123, "2026-11-24T09:30:00.123000000Z", "ms"],
    ["epoch_us", "1795512600123456", "2026-11-24T09:30:00.123456000Z", "us"],
    ["epoch_ns", "1795512600123456789", "2026-11-24T09:30:00.123456789Z", "ns"],
    ["dd.MM.yyyy HH:mm:ss Z", "24.11.2026 10:30:00 +01:00", "2026-11-24T09:30:00.000000000Z", "s"],
  ])("reads times as %s", async (format, at, occurred, precision) => {
    const event = await readOne(
      { ...record, at },
      base.replace("occurred: $.at", `occurred: { path: $.at, format: "${format}" }`),
    );
    expect(event?.time).toEqual({ occurred, precision, basis: "event" });
  });

  it("keeps numbers that a double would change", async () => {
    const line = JSON.stringify(record).replace("17", "12345678901234567890");
    const { events } = await readNative(json, line, { options: { mapping: base } });
    expect(events[0]?.resources[0]?.id).toBe("12345678901234567890");
  });

  it("skips records for the reason that the mapping gives", async () => {
    const mapping = `${base}
skip:
  - { when: { path: $.verb, equals: ping }, why: a sign of life }
  - { when: { all: [{ path: $.code, above: 599 }, { not: { path: $.doc, exists: true } }] } }
  - { when: { any: [{ path: $.user, startsWith: [test-, probe-] }, { path: $.user, contains: BOT, ignoreCase: true }, { path: $.user, endsWith: "$" }] }, why: a machine }
`;
    const lines = [
      { ...record, verb: "ping" },
      { ...record, code: 600, doc: undefined },
      { ...record, code: 600 },
      { ...record, user: "test-1" },
      { ...record, user: "a robot" },
      { ...record, user: "x$" },
    ];
    const { readings } = await readNative(json, lines.map((line) => JSON.stringify(line)).join("\n"), {
      options: { mapping },
    });
    expect(readings.map((reading) => (reading.kind === "skipped" ? reading.why : reading.kind))).toEqual([
      "a sign of life",
      "as the mapping says",
      "event",
      "a machine",
      "a machine",
      "a machine",
    ]);
  });

  it("makes lists of resources, with conditions, of elements and of separated texts", async () => {
    const mapping = base.replace(
      /resources: .*/,
      `resources:
  - { each: "$.items[*]", when: { path: "@.kind", equals: [file, link] }, type: "app.{@.kind}", id: "@.id", role: related, scope: [$.folder, { path: $.tags, split: "," }] }
  - { when: { path: $.doc, exists: true }, type: doc, id: $.doc }`,
    );
    const items = [{ kind: "file", id: 1 }, { kind: "user", id: 2 }, { kind: "link", id: 3 }, { kind: "file" }];
    expect((await readOne({ ...record, items, tags: "x, y,," }, mapping))?.resources).toEqual([
      { type: "app.file", id: "1", role: "related", scope: ["a", "x", "y"] },
      { type: "app.link", id: "3", role: "related", scope: ["a", "x", "y"] },
      { type: "doc", id: "17" },
    ]);
  });

  it("makes an event of each element of a record", async () => {
    const mapping = `each: $.events[*]
time: { occurred: "@.at" }
actor: { type: user, id: $.user, session: { id: $.session, created: { path: $.since, format: epoch_s }, mfa: $.mfa } }
action: { name: "@.verb", op: READ, kind: api }
resources: { type: doc, id: "@.doc" }
outcome: { status: success }
origin: { system: app, nativeId: "@.id" }
skip: [{ when: { path: "@.verb", equals: ping }, why: a sign of life }]
mask: ["@.body", $.session]
detail: { body: "@.body", user: $.user, session: $.session, all: "$.events[*].body", said: "{@.verb}!" }
`;
    const event = (id: number, verb: string): unknown => ({ id, at: record.at, verb, doc: id, body: "secret stuff" });
    const value = {
      user: "ada",
      session: "s-1",
      since: 1_795_512_000,
      mfa: "true",
      events: [event(1, "look"), event(2, "ping"), event(3, "look")],
    };
    const { readings, events } = await read(value, mapping);
    expect(readings.map(({ kind }) => kind)).toEqual(["event", "skipped", "event"]);
    expect(events[1]).toMatchObject({
      id: "3/2",
      actor: { id: "ada", session: { id: "s-1", created: "2026-11-24T09:20:00.000000000Z", mfa: true } },
      detail: { body: "***", user: "ada", session: "***", all: ["***", "***", "***"], said: "look!" },
      native: { id: 3, body: "***" },
    });
    expect((await read({ ...value, events: [] }, mapping)).readings).toMatchObject([
      { kind: "skipped", why: "nothing to read in it" },
    ]);
  });

  it("keeps no secret, and no record when told so", async () => {
    const secret = { ...record, password: "hunter2", url: "https://x/?token=abc&q=1" };
    expect((await readOne(secret))?.native).toMatchObject({ password: "***", url: "https://x/?token=***&q=1" });
    const event = await readOne(
      secret,
      `${base}native: false\ndetail: { url: $.url, pass: $.password, gone: $.none }\n`,
    );
    expect(event).not.toHaveProperty("native");
    expect(event?.detail).toEqual({ url: "https://x/?token=***&q=1", pass: "***" });
  });

  it("takes addresses with ports, countries by name, and parties whole or not at all", async () => {
    const mapping = `${base.replace("id: $.user }", "id: $.user, actingAs: { type: user, id: $.as, ns: db }, onBehalfOf: { each: '$.for[*]', type: user, id: '@' } }")}
source: { ip: $.client, host: $.host, geo: { country: $.country, lat: $.lat } }
impact: { rows: $.rows, fields: $.fields }
labels: [{ when: { path: $.secret, equals: true }, value: phi }, { path: $.tags, split: " " }]
`;
    const full = {
      ...record,
      client: "[2001:db8::1]:443",
      country: "Germany",
      lat: "52.5",
      as: "root",
      for: ["bob", "eve"],
      rows: 12,
      fields: ["a"],
      secret: true,
      tags: "pii x",
    };
    expect(await readOne(full, mapping)).toMatchObject({
      actor: {
        actingAs: { type: "user", id: "root", ns: "db" },
        onBehalfOf: [
          { id: "bob", ns: "app" },
          { id: "eve", ns: "app" },
        ],
      },
      source: { ip: "2001:db8::1", port: 443, geo: { country: "DE", lat: 52.5 } },
      impact: { rows: "12", fields: ["a"] },
      labels: ["phi", "pii", "x"],
    });
    const bare = await readOne({ ...record, client: "localhost" }, mapping);
    expect([bare?.actor, bare?.source, bare?.labels, bare?.origin.warnings]).toEqual([
      { type: "user", id: "ada", ns: "app" },
      {},
      undefined,
      ["dropped:source.ip"],
    ]);
  });

  it("cuts values out of sentences, and takes the first alternative that says something", async () => {
    const mapping = base.replace(
      "id: $.user",
      `id: [{ path: $.text, between: ["user ", " from"] }, { when: { path: $.user, equals: ada }, value: known }, { template: "{$.folder}:{$.user}" }]`,
    );
    const ids = [{ text: "login of user eve from here" }, { text: "user eve" }, { user: "bob" }].map(
      async (change) => (await readOne({ ...record, ...change }, mapping))?.actor.id,
    );
    expect(await Promise.all(ids)).toEqual(["eve", "known", "a:bob"]);
  });

  it("is not led astray by hostile records", async () => {
    const hostile = `{"__proto__":{"user":"x"},${JSON.stringify({ ...record, doc: "d".repeat(9_000), folders: { a: [{}] } }).slice(1)}`;
    const { events } = await readNative(json, hostile, { options: { mapping: base } });
    expect(events[0]?.origin.warnings).toEqual(["cut:resources.id"]);
    expect((await readOne({ ...record, verb: "constructor" }))?.action.op).toBe("OTHER");
  });

  it("is never chosen by itself", async () => {
    expect(adapters).toContain(json);
    const { readings } = await readNative(adapters, JSON.stringify(record));
    expect(readings[0]?.kind).toBe("unreadable");
  });
});
