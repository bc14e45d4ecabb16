import { checkEvent, eventJsonSchema } from "@evident/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventDraft } from "../event/index.ts";
import { checkSchema, type EventSchema } from "./check-schema.ts";
import { eventSchemaText } from "./event-schema.ts";
import { createTestEvident } from "./index.ts";

const draft: EventDraft = {
  actor: { type: "user", id: "u-1", ns: "shop", groups: ["staff", "admins"] },
  action: { op: "EXPORT", name: "invoice.export", kind: "api" },
  resources: [{ type: "invoice", id: "4711" }],
  outcome: { status: "success" },
  detail: { format: "pdf" },
};

describe("the client for tests", () => {
  it("finds events by any part of them", () => {
    const evident = createTestEvident({ system: "shop" });
    evident.record(draft);
    evident.begin().record({ ...draft, outcome: { status: "denied" }, impact: evident.changes({ a: 1 }, { a: 2 }) });
    expect(evident.events).toHaveLength(2);
    expect(evident.find({ action: { name: /^invoice\./ }, actor: { groups: ["admins"] } })).toHaveLength(2);
    expect(evident.expectOne({ outcome: { status: "denied" } })).toMatchObject({
      impact: { fields: ["a"] },
      origin: { system: "shop" },
    });
    evident.expectNone({ resources: [{ id: "4712" }] });
    evident.clear();
    evident.expectNone();
  });

  it("lists what was recorded when an expectation does not hold", () => {
    const evident = createTestEvident();
    expect(() => evident.expectOne({ resources: [{ id: "1" }] })).toThrow("recorded was nothing");
    evident.record(draft);
    evident.record(draft);
    expect(() => evident.expectOne({ resources: [{ id: "4711" }] })).toThrow("found 2");
    expect(() => evident.expectNone({ detail: { format: "pdf" } })).toThrow(
      'EXPORT invoice.export by user u-1 on invoice 4711: success {"format":"pdf"}',
    );
  });

  it("throws where the server would put an event into quarantine", () => {
    const evident = createTestEvident();
    const wrong =
      (change: object): (() => unknown) =>
      () =>
        evident.record({ ...draft, ...change });
    expect(wrong({ actor: { type: "usr", id: "u", ns: "n" } })).toThrow("actor.type is not one of user, service");
    expect(wrong({ resources: [] })).toThrow("resources");
    expect(wrong({ actor: { type: "user", id: "u", ns: "n", mail: "x" } })).toThrow(
      "actor.mail is not a field of an event",
    );
    expect(wrong({ impact: { rows: "many" } })).toThrow('impact.rows "many" has not the right form');
    expect(evident.events).toHaveLength(0);
  });

  it("knows the schema that the server publishes", () => {
    const texts = new Set(["description", "title", "$id", "$schema"]);
    const published = JSON.stringify(eventJsonSchema(), (name, value: unknown) =>
      texts.has(name) && typeof value === "string" ? undefined : value,
    );
    expect(eventSchemaText).toBe(published);
  });

  it("agrees with the server about what is an event", () => {
    const schema = JSON.parse(eventSchemaText) as EventSchema;
    const value = fc.oneof(
      fc.constantFrom("", "-", "user", "443", "192.0.2.1", null, 1.5, 7, -1, true, [], ["x"], {}),
      fc.string(),
    );
    const paths = [
      "v",
      "id",
      "actor.type",
      "actor.id",
      "actor.groups",
      "actor.more",
      "action.op",
      "resources",
      "outcome.status",
      "outcome.code",
      "source.port",
      "source.geo",
      "impact.rows",
      "labels",
      "detail",
      "native",
      "extra",
      "origin.seq",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...paths), value, (path, changed) => {
        const event = {
          v: 1,
          id: "e-1",
          time: { occurred: "2026-03-01T08:30:00.000000000Z", precision: "ms", basis: "event" },
          ...structuredClone(draft),
          source: {},
          impact: {},
          origin: { tenant: "t", source: "s", system: "shop", adapter: "sdk" },
        } as Record<string, unknown>;
        const [first = "", second] = path.split(".");
        if (second === undefined) event[first] = changed;
        else event[first] = { ...(event[first] as object), [second]: changed };
        expect(checkSchema(schema, structuredClone(event)).length === 0).toBe(checkEvent(event).ok);
      }),
      { numRuns: 2_000 },
    );
  });
});
