import { canonicalEvent, checkEvent } from "@evident/core";
import { makeEvent } from "@evident/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFacts } from "./read-facts.ts";

function entryOf(change: Record<string, unknown>, origin: Record<string, unknown>): Buffer {
  const event = makeEvent("facts-1") as Record<string, unknown>;
  const value = { ...event, ...change, origin: { tenant: "acme", ...(event["origin"] as object), ...origin } };
  const checked = checkEvent(value);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const text = canonicalEvent(checked.event);
  return Buffer.from(`{"v":1,"kind":"event","received":"2026-11-24T10:00:00.250000000Z","sent":"x","event":${text}}`);
}

describe("reading what an entry says of its source", () => {
  it("finds the event's own origin, whatever texts and details look like it", () => {
    const tricky = fc.oneof(
      fc.string({ minLength: 1, maxLength: 128 }),
      fc.constantFrom('"origin":{"tenant":"x"', "\\", '"', "}", '"basis":"received"', "ü€😀"),
    );
    fc.assert(
      fc.property(tricky, tricky, (text, source) => {
        fc.pre(source !== "-" && source.isWellFormed() && text.isWellFormed() && text !== "-");
        const detail = { origin: { tenant: text, source: "wrong" }, text };
        const entry = entryOf({ detail, native: { origin: { tenant: "x", source: text } } }, { source, system: text });
        expect(readFacts(entry)).toMatchObject({ kind: "event", source });
      }),
    );
  });

  it("gives times, the counter and its number, and no time of occurrence that is only ours", () => {
    const time = { occurred: "2026-11-24T10:00:00.000000000Z", precision: "ms", basis: "event" };
    const counted = entryOf({ time }, { source: "shop", adapter: "sdk", nativeId: "p-1/41", seq: "41", lossy: true });
    expect(readFacts(counted)).toEqual({
      kind: "event",
      receivedMs: Date.parse("2026-11-24T10:00:00.250Z"),
      occurredMs: Date.parse("2026-11-24T10:00:00.000Z"),
      source: "shop",
      adapter: "sdk",
      seq: 41,
      counter: "p-1",
      lossy: true,
    });
    const received = entryOf({ time: { ...time, basis: "received" } }, { seq: "7" });
    expect(readFacts(received)).toMatchObject({ occurredMs: undefined, seq: 7, counter: "" });
    expect(readFacts(Buffer.from('{"v":1,"kind":"statement","received":"x"}'))).toBeUndefined();
  });

  it("gives the first reason of a record in quarantine", () => {
    const body = {
      why: "unreadable",
      reasons: [{ field: "time", problem: "is missing", fix: "x" }],
      source: "shop",
      adapter: "nginx",
    };
    const entry = `{"v":1,"kind":"quarantine","received":"2026-11-24T10:00:00.250000000Z","sent":"x","quarantine":${JSON.stringify(body)}}`;
    expect(readFacts(Buffer.from(entry))).toMatchObject({
      kind: "quarantine",
      source: "shop",
      adapter: "nginx",
      why: "unreadable",
      field: "time",
      problem: "is missing",
    });
    // Whoever claims another's name must not be counted under it.
    const claimed = entry.replace('"why":"unreadable"', '"why":"source_mismatch"');
    expect(readFacts(Buffer.from(claimed))).toMatchObject({ why: "source_mismatch", source: undefined });
  });
});
