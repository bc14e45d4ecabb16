import { type AccessEvent as CoreEvent, checkEvent } from "@evident/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AccessEvent, EventDraft } from "./access-event.ts";
import { makeLine } from "./make-line.ts";
import { uuidV7 } from "./uuid-v7.ts";

const stamp = { system: "shop", source: "shop-app", instance: "0198f0c2-1111-7111-8111-111111111111" };
const numbered = { id: "e-1", seq: 7, nowMs: Date.UTC(2026, 2, 1, 8, 30, 0, 5) };
const draft: EventDraft = {
  actor: { type: "user", id: "u-1", ns: "shop" },
  action: { op: "READ", name: "order.view", kind: "api" },
  resources: [{ type: "order", id: "1" }],
  outcome: { status: "success" },
};

function eventOf(line: string): AccessEvent & { readonly [name: string]: unknown } {
  return JSON.parse(line) as AccessEvent & { readonly [name: string]: unknown };
}

/** The server fills in what the key says; with it every event has to be valid. */
function checked(line: string): ReturnType<typeof checkEvent> {
  const event = eventOf(line);
  return checkEvent({ ...event, origin: { ...event.origin, tenant: "default" } });
}

type Sent = Omit<CoreEvent, "origin"> & { readonly origin: Omit<CoreEvent["origin"], "tenant" | "source"> };
type Made = Omit<AccessEvent, "origin"> & { readonly origin: Omit<AccessEvent["origin"], "tenant" | "source"> };

describe("the line of an event", () => {
  it("has the types of the event schema, in both directions", () => {
    // Assignments that compile only while the types that are shipped say what the schema says.
    const toCore = (event: Made): Sent => event;
    const fromCore = (event: Sent): Made => event;
    expect([toCore.length, fromCore.length]).toEqual([1, 1]);
  });

  it("is a valid event with everything that the application need not say", () => {
    const line = makeLine(draft, stamp, numbered);
    expect(checked(line)).toMatchObject({ ok: true });
    expect(eventOf(line)).toMatchObject({
      v: 1,
      id: "e-1",
      time: { occurred: "2026-03-01T08:30:00.005000000Z", precision: "ms", basis: "event", tz: "stated" },
      origin: { system: "shop", source: "shop-app", adapter: "sdk", nativeId: `${stamp.instance}/7`, seq: "7" },
    });
    expect(Object.keys(eventOf(line))).toEqual([
      "v",
      "id",
      "time",
      "actor",
      "action",
      "resources",
      "outcome",
      "source",
      "origin",
    ]);
  });

  it("leaves out what says nothing, but not in detail and native", () => {
    const silent = {
      ...draft,
      actor: { ...draft.actor, name: "", email: "-", groups: [], session: { id: null } },
      source: { ip: undefined, userAgent: "-" },
      labels: ["", "pii"],
      detail: { empty: "", nothing: null, list: [] },
    } as unknown as EventDraft;
    const line = makeLine(silent, stamp, numbered);
    expect(checked(line)).toMatchObject({ ok: true });
    expect(eventOf(line)).toMatchObject({
      actor: { type: "user", id: "u-1", ns: "shop", session: {} },
      source: {},
      labels: ["pii"],
      detail: { empty: "", nothing: null, list: [] },
    });
    expect(eventOf(line).actor).not.toHaveProperty("name");
  });

  it("takes times as Date or text", () => {
    const occurred = new Date("2026-01-02T03:04:05.678Z");
    const line = makeLine({ ...draft, time: { occurred, ended: "2026-01-02T03:04:06.000000000Z" } }, stamp, numbered);
    expect(eventOf(line).time).toMatchObject({
      occurred: "2026-01-02T03:04:05.678000000Z",
      ended: "2026-01-02T03:04:06.000000000Z",
    });
    expect(() => makeLine({ ...draft, time: { occurred: new Date("x") } }, stamp, numbered)).toThrow(RangeError);
  });

  it("is one line of well-formed UTF-8 that the server takes, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 50 }), fc.json(), (text, json) => {
        fc.pre(text !== "-");
        const line = makeLine(
          {
            ...draft,
            actor: { ...draft.actor, id: text },
            resources: [{ type: "t", id: `${text}\ud800"\\ud` }],
            detail: { json: JSON.parse(json) as unknown, text },
          },
          stamp,
          numbered,
        );
        expect(line).not.toContain("\n");
        expect(Buffer.from(line).toString()).toBe(line);
        expect(line.isWellFormed()).toBe(true);
        expect(/\\ud[89ab]/.test(line.replaceAll("\\\\", ""))).toBe(false);
        expect(checked(line)).toMatchObject({ ok: true });
      }),
    );
  });
});

describe("an id", () => {
  it("is a UUIDv7 that sorts by its time, also when the clock goes back", () => {
    const ids = [1_000, 2_000, 1_500, 3_000].map((atMs) => uuidV7(Date.UTC(2026, 1, 1) + atMs));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const times = ids.map((id) => id.slice(0, 13));
    expect(times).toEqual(times.toSorted());
    expect(new Set(Array.from({ length: 10_000 }, () => uuidV7(1))).size).toBe(10_000);
  });
});
