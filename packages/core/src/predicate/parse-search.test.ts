import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Predicate, Test } from "./ast.ts";
import { formatSearch } from "./format-search.ts";
import { parseSearch } from "./parse-search.ts";

const nowMs = Date.UTC(2026, 2, 4, 12);

function parsed(text: string): Predicate {
  const result = parseSearch(text, { nowMs });
  if (!result.ok) throw new Error(`${result.problem.message} at ${result.problem.at}`);
  return result.predicate;
}

function problem(text: string): { at: number; length: number; message: string; fix: string } {
  const result = parseSearch(text, { nowMs });
  if (result.ok) throw new Error(`"${text}" was accepted`);
  return result.problem;
}

const match = (field: string | undefined, test: Test): Predicate => ({ op: "match", field, test });
const equals = (field: string, value: string): Predicate => match(field, { kind: "equals", value });
const words = (pattern: string): Predicate => match(undefined, { kind: "words", pattern });

describe("the search language", () => {
  it("reads fields, aliases and free text as one conjunction", () => {
    expect(parsed('actor:alice status:denied "drop table"')).toEqual({
      op: "and",
      of: [equals("actor.id", "alice"), equals("outcome.status", "denied"), words("drop table")],
    });
  });

  it("binds and more tightly than or, and not most tightly", () => {
    expect(parsed("a b or not c and d")).toEqual({
      op: "or",
      of: [
        { op: "and", of: [words("a"), words("b")] },
        { op: "and", of: [{ op: "not", of: words("c") }, words("d")] },
      ],
    });
    expect(parsed("-a !(b or c)")).toEqual({
      op: "and",
      of: [
        { op: "not", of: words("a") },
        { op: "not", of: { op: "or", of: [words("b"), words("c")] } },
      ],
    });
  });

  it("applies a field to a group of values", () => {
    expect(parsed("op:(read or list) kind:event")).toEqual({
      op: "and",
      of: [{ op: "or", of: [equals("action.op", "read"), equals("action.op", "list")] }, equals("kind", "event")],
    });
    expect(parsed("(actor:(a or (b c)) x)")).toMatchObject({ op: "and" });
  });

  it("reads times: relative, days and ranges that include the last day", () => {
    expect(parsed("time:>=-24h")).toEqual(match("time", { kind: "time", from: "2026-03-03T12:00:00.000000000Z" }));
    expect(parsed("time:2026-03-04")).toEqual(
      match("time", { kind: "time", from: "2026-03-04T00:00:00.000000000Z", before: "2026-03-05T00:00:00.000000000Z" }),
    );
    expect(parsed("received:[2026-03 TO 2026-04-02]")).toEqual(
      match("received", {
        kind: "time",
        from: "2026-03-01T00:00:00.000000000Z",
        before: "2026-04-03T00:00:00.000000000Z",
      }),
    );
    expect(parsed("time:<2026-03-04T10:00:00+02:00")).toEqual(
      match("time", { kind: "time", before: "2026-03-04T08:00:00.000000000Z" }),
    );
  });

  it("reads numbers, networks, patterns and existence", () => {
    expect(parsed("impact.rows:>1000")).toEqual(
      match("impact.rows", { kind: "number", min: { value: "1000", inclusive: false } }),
    );
    expect(parsed("detail.n:[5 TO 7}")).toEqual(
      match("detail.n", {
        kind: "number",
        min: { value: "5", inclusive: true },
        max: { value: "7", inclusive: false },
      }),
    );
    expect(parsed("ip:10.0.0.0/8")).toEqual(match("source.ip", { kind: "cidr", cidr: "10.0.0.0/8" }));
    expect(parsed("ip:10.1.*")).toEqual(match("source.ip", { kind: "glob", pattern: "10.1.*" }));
    expect(parsed("resource:*")).toEqual(match("resources.id", { kind: "exists" }));
    expect(parsed("Event.Resource.ID:a*")).toEqual(match("resources.id", { kind: "glob", pattern: "a*" }));
    expect(parsed("native.userIdentity.type:Root")).toEqual(equals("native.userIdentity.type", "Root"));
  });

  it("matches everything for empty text and *", () => {
    expect(parsed("  ")).toEqual({ op: "and", of: [] });
    expect(parsed("*")).toEqual({ op: "and", of: [] });
  });

  it("takes wildcards in quotes literally and understands escapes outside", () => {
    expect(parsed('action:"a*"')).toEqual(equals("action.name", "a*"));
    expect(parsed("action:a\\*")).toEqual(equals("action.name", "a*"));
    expect(parsed("detail.path:C:\\Users\\bob")).toEqual(equals("detail.path", "C:\\Users\\bob"));
    expect(parsed("https\\:\\/\\/x")).toEqual(words("https://x"));
  });

  it.each([
    ["actr.id:alice", 0, 7, "actor.id"],
    ["kind:event statsu:denied", 11, 6, "status"],
    ["status:denyed", 7, 6, "denied"],
    ["time:yesterday", 5, 9, "-24h"],
    ["ip:300.1.1.1", 3, 9, "10.0.0.0/8"],
    ["actor:(alice", 6, 1, ")"],
    ["alice )", 6, 1, "Remove"],
    ["alice or", 8, 0, "term"],
    ["(and)", 1, 3, "quotes"],
    ['"open', 0, 5, '"'],
    ["impact.rows:[1 2]", 15, 2, "TO"],
    ["impact.rows:[1 TO 2", 12, 7, "]"],
    ["actor.id:>5", 9, 2, "pattern"],
    ["actor:", 0, 6, "field:value"],
    ["actor.session:x", 0, 13, "actor.session.id"],
    ["time:-24h", 5, 4, ">-24h"],
    ["impact.rows:>many", 12, 5, "digits"],
    ["[1 TO 2]", 0, 1, "field"],
    ["10.0.0.1:80", 0, 11, "quotes"],
  ])("points at the mistake in %s", (text, at, length, fix) => {
    const found = problem(text);
    expect(found).toMatchObject({ at, length });
    expect(`${found.message} ${found.fix}`).toContain(fix);
  });

  it("refuses what is too long, too deep or too wide", () => {
    expect(problem("a".repeat(9_000)).message).toContain("9000");
    expect(problem("(".repeat(60)).message).toContain("deep");
    expect(problem("a ".repeat(600)).message).toContain("500");
  });

  it("never throws and never points outside the text", () => {
    const pieces = fc.constantFrom(
      "a",
      ":",
      "(",
      ")",
      '"',
      "\\",
      "*",
      "[",
      "]",
      "{",
      "}",
      " ",
      "to",
      "or",
      "not",
      "-",
      ">",
      "time",
      "ip:",
      "é",
      "5",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join("")),
        ),
        (text) => {
          const result = parseSearch(text, { nowMs });
          const { at, length } = result.ok ? { at: 0, length: 0 } : result.problem;
          expect(at).toBeGreaterThanOrEqual(0);
          expect(at + length).toBeLessThanOrEqual(text.length);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

const literal = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
const pattern = fc
  .array(
    fc.oneof(
      literal.map((text) => text.replace(/[\\*?]/g, "\\$&")),
      fc.constantFrom("*", "?"),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => parts.join(""))
  .filter((text) => /[^*]/.test(text));
const globTest = pattern
  .filter((text) => /[*?]/.test(text.replace(/\\./g, "")))
  .map((text): Test => ({ kind: "glob", pattern: text }));
const equalsTest = fc.string({ maxLength: 12 }).map((value): Test => ({ kind: "equals", value }));
const instant = fc
  .date({ min: new Date(0), max: new Date(Date.UTC(2100, 0)), noInvalidDate: true })
  .map((date) => `${date.toISOString().slice(0, -1)}123456Z`);
const bound = fc.record({ value: fc.integer().map(String), inclusive: fc.boolean() });
const textField = fc.constantFrom("actor.id", "resources.id", "detail.a.b", "native.x", "trail", "classes");

const leaf: fc.Arbitrary<Predicate> = fc.oneof(
  fc
    .tuple(textField, fc.oneof(globTest, equalsTest, fc.constant<Test>({ kind: "exists" })))
    .map(([field, test]) => match(field, test)),
  pattern.map(words),
  fc.tuple(instant, instant).map(([from, before]) => match("time", { kind: "time", from, before })),
  fc.tuple(bound, bound).map(([min, max]) => match("detail.n", { kind: "number", min, max })),
  bound.map((min) => match("impact.rows", { kind: "number", min })),
  fc.constantFrom("10.0.0.0/8", "2001:db8::/32", "::1").map((cidr) => match("source.ip", { kind: "cidr", cidr })),
);

const predicates = fc.letrec<{ node: Predicate }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie("node"), { minLength: 2, maxLength: 4 }).map((of): Predicate => ({ op: "and", of })),
    fc.array(tie("node"), { minLength: 2, maxLength: 4 }).map((of): Predicate => ({ op: "or", of })),
    tie("node").map((of): Predicate => ({ op: "not", of })),
  ),
})).node;

describe("formatSearch", () => {
  it("writes text that parses to the same predicate", () => {
    fc.assert(
      fc.property(predicates, (predicate) => {
        expect(parsed(formatSearch(predicate))).toEqual(predicate);
      }),
      { numRuns: 1_000 },
    );
  });
});
