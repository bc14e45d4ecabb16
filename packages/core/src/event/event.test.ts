import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalEvent, checkEvent, eventJsonSchema, type ParsedJson, parseJson, parseTime } from "./index.ts";

function makeEvent(): Record<string, unknown> {
  return {
    v: 1,
    id: "0192f000-0000-7000-8000-000000000001",
    time: { occurred: "2026-11-24T09:30:00.123Z", precision: "ms", basis: "event" },
    actor: { type: "user", id: "u-1", ns: "okta:acme" },
    action: { op: "READ", name: "GET /orders/:id", kind: "http" },
    resources: [{ type: "order", id: "42" }],
    outcome: { status: "success", code: "200" },
    source: { ip: "203.0.113.9", ipTrust: "peer" },
    origin: { tenant: "default", source: "shop", system: "shop-api", adapter: "sdk" },
  };
}

function change(path: string, value: unknown): Record<string, unknown> {
  const event = makeEvent();
  const steps = path.split(".");
  const last = steps.pop() ?? "";
  let at: Record<string, unknown> = event;
  for (const step of steps) at = at[step] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return event;
}

function problemsOf(value: unknown): string[] {
  const checked = checkEvent(value);
  return checked.ok ? [] : checked.problems.map(({ field, problem, fix }) => `${field}: ${problem}. ${fix}`);
}

function problemOf(parsed: ParsedJson): string {
  return parsed.ok ? "" : `${parsed.problem.problem}. ${parsed.problem.fix}`;
}

describe("checking an event", () => {
  it("accepts a minimal event and brings its time into stored form", () => {
    const checked = checkEvent(makeEvent());
    expect(checked.ok && checked.event.time.occurred).toBe("2026-11-24T09:30:00.123000000Z");
  });

  it.each([
    ["actor.id", undefined, "actor.id: is missing. Add actor.id."],
    ["actor.id", "", "actor.id: is empty. Leave the field out when the value is unknown."],
    ["actor.id", "-", 'actor.id: is "-". Leave the field out when the value is unknown.'],
    ["actor.name", null, "actor.name: is null. Leave the field out when the value is unknown."],
    ["actor.id", 17, 'actor.id: "17" is not of type string. Send it as text: ids and counts are strings.'],
    ["outcom", {}, "outcom: is not a field of an event. Did you mean outcome? Further facts go into detail."],
    ["resources", [], "resources: is an empty list. Name at least one resource."],
    [
      "source.ip",
      "999.1.2.3",
      'source.ip: "999.1.2.3" is not an IP address. Send an IPv4 or IPv6 address; put names in source.host.',
    ],
    [
      "time.occurred",
      "2026-11-24T09:30:00",
      'time.occurred: "2026-11-24T09:30:00" has no time zone. Add the zone: Z for UTC, or an offset such as +02:00.',
    ],
    ["v", 2, 'v: "2" is not 1. Send 1: this is the only version of the schema.'],
  ])("names the field, the problem and the fix for %s = %j", (path, value, message) => {
    expect(problemsOf(change(path, value))).toEqual([message]);
  });

  it("lists the allowed values of an enum and keeps a hostile value short", () => {
    const [message] = problemsOf(change("outcome.status", `\u0000\ud800${"x".repeat(5_000)}`));
    expect(message).toMatch(
      /^outcome\.status: ".{1,80}…" is not one of the allowed values\. Use one of success, denied,/,
    );
  });

  it.each([null, 3, "text", [], [makeEvent()]])("refuses %j as an event", (value) => {
    expect(problemsOf(value)[0]).toMatch(/is not an object\. Send one event as a JSON object\.$/);
  });

  it.each(["::1", "2001:db8::1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8", "10.0.0.1"])("accepts the address %s", (ip) => {
    expect(problemsOf(change("source.ip", ip))).toEqual([]);
  });

  it.each([":::", "1::2::3", "1:2:3", "12345::", "::1.2.3", "1.2.3.4.5", "256.1.1.1"])(
    "refuses the address %s",
    (ip) => {
      expect(problemsOf(change("source.ip", ip))).toHaveLength(1);
    },
  );

  it("never throws and always explains, whatever the value", () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom(...Object.keys(makeEvent()), "detail", "labels", "impact", "trace", "__proto__"),
        (value, key) => {
          const checked = checkEvent({ ...makeEvent(), [key]: value });
          expect(checked.ok || checked.problems.length > 0).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("canonical text", () => {
  it("is the same for every order of members, and keeps the order inside detail and native", () => {
    const event = { ...makeEvent(), detail: { z: 1, a: { y: 2, b: 3 } }, native: { q: 1, c: 2 } };
    const expected = canonicalOf(event);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (random) => {
        expect(canonicalOf(shuffle(event, random))).toBe(expected);
      }),
      { numRuns: 200 },
    );
    expect(expected.indexOf('"detail":{"z":1,"a":{"y":2,"b":3}},"native":{"q":1,"c":2}}')).toBeGreaterThan(0);
  });
});

function canonicalOf(value: unknown): string {
  const checked = checkEvent(structuredClone(value));
  return checked.ok ? canonicalEvent(checked.event) : JSON.stringify(checked.problems);
}

function shuffle(value: Record<string, unknown>, random: fc.Stream<number>): Record<string, unknown> {
  const entries = Object.entries(value).map(([key, member]): [string, unknown] => {
    const plain =
      typeof member === "object" && member !== null && !Array.isArray(member) && key !== "detail" && key !== "native";
    return [key, plain ? shuffle(member as Record<string, unknown>, random) : member];
  });
  return Object.fromEntries(
    entries
      .map((entry) => ({ entry, at: random.next().value ?? 0 }))
      .sort((a, b) => a.at - b.at)
      .map(({ entry }) => entry),
  );
}

describe("parsing JSON that will be evidence", () => {
  it.each(["12345678901234567890", "1.10", "1e3", "-0", "0.1", "9007199254740993"])(
    "keeps the text of the number %s",
    (number) => {
      const text = `{"a":${number},"b":[${number}]}`;
      const parsed = parseJson(text);
      expect(parsed.ok && JSON.stringify(parsed.value)).toBe(text);
    },
  );

  it.each([
    '{"a":1,"a":2}',
    '{"x":{"b":1,"b" :2}}',
    '{"a":"\\":","a":1}',
    '{"\\u0061":1,"a":2}',
    '[{"k":[{"z":1,"z":1}]}]',
  ])("refuses the duplicate key in %s", (text) => {
    expect(problemOf(parseJson(text))).toContain("stands twice in one object");
  });

  it.each(['{"a":{"a":{"a":1}}}', '[{"a":1},{"a":2}]', '{"a":"\\":\\":","b":1}', '{"a" : "x" , "b" : 2}'])(
    "accepts %s",
    (text) => {
      expect(parseJson(text).ok).toBe(true);
    },
  );

  it("refuses half surrogates, deep nesting and what is no JSON", () => {
    expect(problemOf(parseJson('{"a":"\\ud800"}'))).toContain("surrogate");
    expect(parseJson('{"a":"\\ud83d\\ude00"}').ok).toBe(true);
    expect(problemOf(parseJson(`${"[".repeat(33)}${"]".repeat(33)}`))).toContain("nested deeper than 32");
    expect(problemOf(parseJson("[".repeat(100_000)))).toContain("not JSON");
    expect(problemOf(parseJson('{"a":'))).toContain("not JSON");
  });

  it("gives JSON.parse's value for every JSON text", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        const parsed = parseJson(text);
        expect(parsed.ok && JSON.parse(JSON.stringify(parsed.value))).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe("times", () => {
  it.each([
    ["2026-11-24T09:30:00Z", "2026-11-24T09:30:00.000000000Z"],
    ["2026-11-24T09:30:00.1+02:00", "2026-11-24T07:30:00.100000000Z"],
    ["2026-01-01T00:30:00.123456789+01:00", "2025-12-31T23:30:00.123456789Z"],
    ["2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999999Z"],
    ["2026-11-24t09:30:00z", "2026-11-24T09:30:00.000000000Z"],
  ])("stores %s as %s", (text, stored) => {
    expect(parseTime(text)).toEqual({ ok: true, time: stored });
  });

  it.each([
    "",
    "now",
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-11-24T25:00:00Z",
    "2026-11-24",
    "1764000000",
    "0000-01-01T00:00:00+01:00",
    "2026-02-30T00:00:00.000000000Z",
  ])("refuses %j", (text) => {
    expect(parseTime(text).ok).toBe(false);
  });
});

describe("the published schema", () => {
  it("is plain JSON with a description for every member", () => {
    const schema = eventJsonSchema() as { properties: Record<string, { description?: string; title?: string }> };
    for (const [name, member] of Object.entries(schema.properties))
      expect(name === "time" || member.description).toBeTruthy();
    expect(Object.keys(schema.properties)).toHaveLength(14);
  });
});
