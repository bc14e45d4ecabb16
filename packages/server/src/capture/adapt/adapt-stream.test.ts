import type { AccessEvent } from "@evident/core";
import { array, assert, constantFrom, integer, property, tuple } from "fast-check";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import type { BodyLine } from "../body-line.ts";
import {
  type Adapted,
  type Adapter,
  AdaptStream,
  defineLineAdapter,
  defineSessionAdapter,
  firstKey,
  type Made,
  made,
  NativeRecord,
  nextKey,
  noOptions,
  type Reading,
  type ResumePoint,
  skipped,
  toSubmission,
  unreadable,
} from "./index.ts";

function eventOf(id: string, nativeId?: string): Made {
  return made({
    time: { occurred: "2026-05-17T10:05:03.000000000Z", precision: "s", basis: "event" },
    actor: { type: "user", id, ns: "test" },
    action: { op: "READ", name: "get", kind: "api" },
    resources: [{ type: "thing", id: "1" }],
    outcome: { status: "success" },
    source: {},
    origin: { system: "test", nativeId },
  });
}

function read({ text }: NativeRecord): Made | readonly Made[] {
  if (text === "skip") return skipped("said so");
  if (text === "bad") return unreadable("text", "is bad", "Send another.");
  if (text === "two") return [eventOf("one"), eventOf("two")];
  if (text === "throw") throw new Error("nobody foresaw this");
  return eventOf(text.replaceAll("\n", "|"));
}

const lines = defineLineAdapter({
  name: "lines",
  title: "every line",
  options: noOptions,
  recognises: () => true,
  prepare: () => read,
});

/** Lines that begin with a blank belong to the one before. */
const folded = defineLineAdapter({
  name: "folded",
  title: "folded lines",
  options: noOptions,
  continues: (_open, line) => line.startsWith(" "),
  recognises: () => true,
  prepare: () => read,
});

/** `a…` waits for the next `b…`, with which it becomes one event. */
const pairs = defineSessionAdapter({
  name: "pairs",
  title: "lines in pairs",
  framing: { kind: "lines", continues: (_open, line) => line.startsWith(" ") },
  options: noOptions,
  recognises: () => true,
  open() {
    let waiting: NativeRecord[] = [];
    const give = (record: NativeRecord): readonly Adapted[] =>
      [read(record)].flat().map((each, part) => ({ ...each, record, part }));
    return {
      take(record) {
        if (record.text.startsWith("a")) {
          waiting.push(record);
          return [];
        }
        if (!record.text.startsWith("b") || waiting.length === 0) return give(record);
        const [first, ...rest] = waiting;
        waiting = rest;
        const joined = eventOf(`${first?.text}+${record.text}`);
        return first === undefined
          ? give(record)
          : [
              { ...joined, record: first },
              { kind: "merged", record },
            ];
      },
      end() {
        const left = waiting.flatMap(give);
        waiting = [];
        return left;
      },
      held: () => waiting[0],
    };
  },
});

function open(adapters: readonly Adapter[], from: ResumePoint = { line: 1, key: firstKey("") }): AdaptStream {
  return new AdaptStream({ adapters, optionsOf: () => ({}), context: { nowMs: () => 0 }, ...from });
}

function textLines(texts: readonly string[], from = 1): readonly BodyLine[] {
  return texts.map((text, index) => ({ kind: "text", line: from + index, text }));
}

function readAll(adapters: readonly Adapter[], texts: readonly string[]): readonly Reading[] {
  const stream = open(adapters);
  return [...stream.take(textLines(texts)), ...stream.end()];
}

/** What is stored: events by id, each once, and what could not be read by key. */
function stored(readings: readonly Reading[]): ReadonlyMap<string, string> {
  return new Map(
    readings.flatMap((reading) => {
      if (reading.kind === "event") return [[(JSON.parse(reading.json) as AccessEvent).id, reading.json] as const];
      return reading.kind === "unreadable" ? [[reading.key, toSubmission(reading) ?? ""] as const] : [];
    }),
  );
}

function idsOf(readings: readonly Reading[]): readonly string[] {
  return [...stored(readings).keys()];
}

const texts = array(constantFrom("a1", "a2", "b1", "b2", "x", "x", " more", "skip", "bad", "two"), { maxLength: 30 });

describe("reading an input", () => {
  it("tells records that are too long apart by their length where only their beginnings are known", () => {
    const keyOf = (sizeBytes: number): readonly string[] => {
      const stream = new AdaptStream({
        adapters: [lines],
        optionsOf: () => ({}),
        context: { nowMs: Date.now },
        key: firstKey(""),
      });
      const readings = stream.take([{ kind: "line_too_long", line: 1, bytes: new Uint8Array(8), sizeBytes }]);
      return readings.map((reading) => (reading.kind === "unreadable" ? reading.key : reading.kind));
    };
    expect(keyOf(1_000)).toEqual(keyOf(1_000));
    expect(keyOf(1_000)).not.toEqual(keyOf(1_001));
  });

  it("goes on when an adapter fails at looking at a record, or at whether it goes on", () => {
    const look = (): never => {
      throw new RangeError("Maximum call stack size exceeded");
    };
    const failing = { ...folded, name: "failing", recognises: look };
    const cannotFold = { ...folded, framing: { kind: "lines", continues: look } } as const;
    for (const [adapters, adapter] of [
      [[failing, lines], "lines"],
      [[cannotFold], "folded"],
    ] as const) {
      const stream = new AdaptStream({
        adapters,
        optionsOf: () => ({}),
        context: { nowMs: Date.now },
        key: firstKey(""),
      });
      const input: BodyLine[] = ["x", "y"].map((text, index) => ({ kind: "text", line: index + 1, text }));
      const readings = [...stream.take(input), ...stream.end()];
      expect(readings.map(({ kind }) => kind)).toEqual(["event", "event"]);
      expect(readings[0]).toMatchObject({ json: expect.stringContaining(`"adapter":"${adapter}"`) });
    }
  });

  it("gives the same events in whatever pieces it comes", () => {
    assert(
      property(texts, array(integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 9 }), (input, sizes) => {
        for (const adapter of [lines, folded, pairs]) {
          const stream = open([adapter]);
          const readings: Reading[] = [];
          for (let at = 0, turn = 0; at < input.length; turn += 1) {
            const size = sizes[turn % sizes.length] ?? 1;
            readings.push(...stream.take(textLines(input.slice(at, at + size), at + 1)));
            at += size;
          }
          readings.push(...stream.end());
          expect(readings).toEqual(readAll([adapter], input));
        }
      }),
    );
  });

  it("stores the same when it is stopped and gone on from its place, wherever and however often", () => {
    assert(
      property(tuple(texts, array(integer({ min: 0, max: 12 }), { maxLength: 6 })), ([input, stops]) => {
        for (const adapter of [lines, folded, pairs]) {
          const all: Reading[] = [];
          let stream = open([adapter]);
          let next = 1;
          for (const count of stops) {
            all.push(...stream.take(textLines(input.slice(next - 1, next - 1 + count), next)));
            const point = stream.resumePoint();
            expect(point.line).toBeLessThanOrEqual(next + Math.min(count, Math.max(0, input.length - next + 1)));
            stream = open([adapter], point);
            next = point.line;
          }
          all.push(...stream.take(textLines(input.slice(next - 1), next)), ...stream.end());
          expect(stored(all)).toEqual(stored(readAll([adapter], input)));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("accounts for every line once", () => {
    assert(
      property(texts, (input) => {
        for (const adapter of [lines, folded, pairs]) {
          const seen = readAll([adapter], input).flatMap((reading) =>
            Array.from({ length: reading.lines }, (_each, index) => reading.line + index),
          );
          expect(new Set(seen)).toEqual(new Set(input.map((_text, index) => index + 1)));
        }
      }),
    );
  });

  it("gives equal records at different places different ids, and the same file the same ones", () => {
    const ids = idsOf(readAll([lines], ["x", "x", "x"]));
    expect(new Set(ids).size).toBe(3);
    expect(idsOf(readAll([lines], ["x", "x", "x", "more"])).slice(0, 3)).toEqual(ids);
    expect(ids[0]).toBe(nextKey(firstKey(""), "x"));
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(firstKey("one")).not.toBe(firstKey("two"));
  });

  it("makes the id of the source's own, of its digest when it is long, and of the record's place", () => {
    const own = (nativeId: string): string => {
      const adapter = defineLineAdapter({
        ...lines,
        options: noOptions,
        prepare: () => () => [eventOf("x", nativeId), eventOf("y", nativeId)],
      });
      return idsOf(readAll([adapter], ["x"])).join(" ");
    };
    expect(own("e-1")).toBe("e-1 e-1/1");
    expect(own("e".repeat(300))).toMatch(/^sha256:[0-9a-f]{64} sha256:[0-9a-f]{64}\/1$/);
    expect(own("-")).toMatch(/^[0-9a-f]{32} [0-9a-f]{32}\/1$/);
  });

  it("loses one record only when an adapter fails", () => {
    const readings = readAll([lines], ["x", "throw", "y"]);
    expect(readings.map(({ kind }) => kind)).toEqual(["event", "unreadable", "event"]);
    expect(readings[1]).toMatchObject({
      raw: "throw",
      adapter: "lines",
      reasons: [{ problem: "the adapter lines failed: nobody foresaw this" }],
    });
  });

  it("asks each adapter, the last one first, and says where none fits", () => {
    const asked: string[] = [];
    const only = (name: string, start: string): Adapter =>
      defineLineAdapter({
        ...lines,
        name,
        options: Type.Object({}),
        recognises: ({ text }) => {
          asked.push(name);
          return text.startsWith(start);
        },
        prepare: () => read,
      });
    const readings = readAll([only("A", "a"), only("B", "b")], ["b1", "b2", "a1", "c"]);
    expect(asked).toEqual(["A", "B", "B", "B", "A", "A", "B"]);
    expect(
      readings.map((reading) =>
        reading.kind === "event" ? (JSON.parse(reading.json) as AccessEvent).origin.adapter : undefined,
      ),
    ).toEqual(["B", "B", "A", undefined]);
    expect(readings[3]).toMatchObject({
      kind: "unreadable",
      adapter: undefined,
      raw: "c",
      reasons: [{ problem: "no adapter recognises the record" }],
    });
  });

  it("keeps bytes that are no text, and the beginning of what is too long, in their place", () => {
    const stream = open([folded]);
    const bytes = Buffer.from([0xff, 0xfe]);
    const readings = [
      ...stream.take([
        { kind: "text", line: 1, text: "x" },
        { kind: "invalid_utf8", line: 2, bytes, sizeBytes: 2 },
        { kind: "line_too_long", line: 3, bytes, sizeBytes: 99 },
        { kind: "text", line: 4, text: " alone" },
      ]),
      ...stream.end(),
    ];
    expect(readings.map(({ kind, line }) => [kind, line])).toEqual([
      ["event", 1],
      ["unreadable", 2],
      ["unreadable", 3],
      ["event", 4],
    ]);
    const submissions = readings.map((reading) => JSON.parse(toSubmission(reading, "s") ?? "null") as unknown);
    expect(submissions[1]).toMatchObject({
      v: 1,
      origin: { source: "s" },
      unreadable: { adapter: "folded", base64: "//4=", line: 2 },
    });
    expect(submissions[2]).toMatchObject({ unreadable: { sizeBytes: 99 } });
    expect(toSubmission({ kind: "skipped", line: 1, lines: 1, why: "w" })).toBeUndefined();
  });

  it("ends a record of too many lines instead of growing with it", () => {
    const input = ["x", ...Array.from({ length: 25_000 }, () => " more")];
    const readings = readAll([folded], input);
    expect(readings.map(({ lines: count }) => count)).toEqual([10_000, 10_000, 5_001]);
  });

  it("takes a carriage return off the end of a record", () => {
    expect(new NativeRecord(1, "x\r", "k").text).toBe("x");
  });
});
