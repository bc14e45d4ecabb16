import { AccessEventSchema, checkEvent, parseJson } from "@evident/core";
import { anything, assert, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { tidyEvent } from "./tidy-event.ts";

const least = {
  v: 1,
  id: "e-1",
  time: { occurred: "2026-05-17T10:05:03.000000000Z", precision: "s", basis: "event" },
  actor: { type: "user", id: "alice", ns: "test" },
  action: { op: "READ", name: "get", kind: "api" },
  resources: [{ type: "thing", id: "1" }],
  outcome: { status: "success" },
  source: {},
  origin: { tenant: "t", source: "s", system: "test", adapter: "a" },
};

describe("tidying an event", () => {
  it("leaves out what says nothing, at any depth, but never the source", () => {
    const tidied = tidyEvent({
      ...least,
      actor: {
        ...least.actor,
        name: "",
        email: "-",
        groups: ["", "ops", null],
        session: { id: undefined },
        credential: null,
      },
      outcome: { status: "success", code: null, reason: "-" },
      source: { ip: undefined, via: [] },
      impact: { rows: undefined },
      trace: undefined,
      labels: [],
    });
    expect(tidied).toEqual({ ...least, actor: { ...least.actor, groups: ["ops"] } });
  });

  it("puts members in the order of the schema, whatever order they came in", () => {
    const turned = Object.fromEntries(
      Object.entries({ ...least, labels: ["x"], trace: { spanId: "s", requestId: "r" } }).toReversed(),
    );
    const tidied = tidyEvent(turned);
    const order = Object.keys(AccessEventSchema.properties);
    expect(Object.keys(tidied)).toEqual(order.filter((name) => Object.hasOwn(tidied, name)));
    expect(Object.keys(tidied["trace"] as object)).toEqual(["requestId", "spanId"]);
  });

  it("writes numbers and booleans as text where text is asked for, with their own digits", () => {
    const parsed = parseJson("[12345678901234567890]");
    const rows = parsed.ok ? (parsed.value as readonly unknown[])[0] : undefined;
    const tidied = tidyEvent({ ...least, outcome: { status: "failure", code: 404 }, impact: { rows, bytesOut: 7 } });
    expect(tidied).toMatchObject({ outcome: { code: "404" }, impact: { rows: "12345678901234567890", bytesOut: "7" } });
  });

  it("cuts what is too long and drops optional values of the wrong form, and says so", () => {
    const tidied = tidyEvent({
      ...least,
      actor: { ...least.actor, name: `${"x".repeat(1_023)}😀` },
      source: { ip: "not an address", userAgent: "y".repeat(5_000) },
      impact: { rows: "many" },
      labels: Array.from({ length: 70 }, (_each, index) => `l${index}`),
      origin: { ...least.origin, warnings: ["tz:assumed", "tz:assumed"] },
    });
    expect(tidied).toMatchObject({ actor: { name: "x".repeat(1_023) }, source: { userAgent: "y".repeat(4_096) } });
    expect((tidied["labels"] as readonly string[]).length).toBe(64);
    expect(tidied["impact"]).toBeUndefined();
    expect((tidied["origin"] as { readonly warnings: unknown }).warnings).toEqual([
      "tz:assumed",
      "cut:actor.name",
      "dropped:source.ip",
      "cut:source.userAgent",
      "dropped:impact.rows",
      "cut:labels",
    ]);
    expect(checkEvent(tidied)).toMatchObject({ ok: true });
  });

  it("leaves required values of the wrong form to the check, which names them", () => {
    const checked = checkEvent(tidyEvent({ ...least, time: { ...least.time, occurred: "yesterday" } }));
    expect(checked).toMatchObject({ ok: false, problems: [{ field: "time.occurred" }] });
  });

  it("keeps details and native records as they are", () => {
    const native = { "": "", empty: null, list: ["-"], deep: { a: {} } };
    expect(tidyEvent({ ...least, detail: native, native })).toMatchObject({ detail: native, native });
  });

  it("fails on nothing", () => {
    assert(
      property(anything(), anything(), (one, two) => {
        JSON.stringify(tidyEvent({ ...least, actor: one, resources: two, source: one, labels: two }) !== undefined);
      }),
    );
    expect(() => tidyEvent({ ...least, actor: "text", resources: {}, impact: [], origin: "x" })).not.toThrow();
  });
});
