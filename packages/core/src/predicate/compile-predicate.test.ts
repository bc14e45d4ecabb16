import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Match, Predicate, Test } from "./ast.ts";
import { compilePredicate } from "./compile-predicate.ts";
import { compareNumbers, isNumber } from "./decimal.ts";
import { fold } from "./fold.ts";
import { escapeGlob, matchGlob, matchWords, parseGlob } from "./glob.ts";
import { parseSearch } from "./parse-search.ts";
import { parseEntry } from "./values.ts";
import { wordsOf } from "./words.ts";

const nowMs = Date.UTC(2026, 2, 4, 12);

const line = JSON.stringify({
  v: 1,
  kind: "event",
  received: "2026-03-04T11:00:00.000000001Z",
  sent: "c2VudA",
  classes: ["auth.failure"],
  event: {
    v: 1,
    id: "0195613e-7c00-7000-8000-0123456789ab",
    time: { occurred: "2026-03-04T10:59:59.500000000Z", precision: "ms", basis: "event" },
    actor: { type: "user", id: "Alice@Example.com", ns: "okta" },
    action: { op: "DELETE", name: "table.drop", kind: "datastore" },
    resources: [
      { type: "table", id: "public.invoices", scope: ["eu-1", "prod"] },
      { type: "schema", id: "public" },
    ],
    outcome: { status: "denied", code: "403" },
    source: { ip: "10.1.2.3", userAgent: "psql/18 (Linux)" },
    impact: { rows: "9007199254740993" },
    origin: { tenant: "acme", source: "db-1", system: "postgresql", adapter: "pgaudit" },
    detail: { statement: 'DROP TABLE "invoices" CASCADE', "a.b": "dotted", a: { b: "nested", c: "inner" }, none: null },
    native: { big: 1, list: [{ port: 443 }, { port: 80 }], mfa: true, path: "C:\\Users\\bob" },
  },
}).replace('"big":1', '"big":12345678901234567890');

const entry = parseEntry(line);
const place = { trail: "payments", index: 41 };

function matches(text: string): boolean {
  const result = parseSearch(text, { nowMs });
  if (!result.ok) throw new Error(result.problem.message);
  return compilePredicate(result.predicate)(entry, place);
}

describe("a compiled predicate", () => {
  it.each([
    "actor:alice@example.com",
    "actor:ALICE@*",
    "resource:public resource.type:TABLE",
    "resource:public.invoices",
    "resources.scope:prod",
    "op:delete status:denied kind:event class:auth.failure",
    "time:>-1d",
    "time:2026-03-04T10 received:2026-03-04T11",
    "time:[2026-03-04T10:59:59.5Z TO 2026-03-04T10:59:59.5Z]",
    "ip:10.1.0.0/16 -ip:10.2.0.0/16 ip:10.1.2.3",
    "impact.rows:>9007199254740992 impact.rows:<=9007199254740993",
    "native.big:12345678901234567890 -native.big:12345678901234567891",
    "native.list.port:443 native.list.port:<100",
    "native.mfa:TRUE",
    "native.path:C:\\Users\\\\*",
    "detail.a.b:dotted -detail.a.b:nested detail.a.c:inner",
    "detail.none:* -detail.missing:* -detail.none:null",
    "trail:payments index:41 index:[40 TO 42]",
    '"drop table" invoices cascade',
    "alice example *nvoic* invoi* psql 403",
    "12345678901234567890 443",
    "0195613e-7c00-7000-8000-0123456789ab 0195613e* 10.1.2.3 10.1.*",
    "auth.failure",
    'not "drop tab" -nvoices -0195613e -10.1 -okt -true -2026',
    "actor:(bob or alice@example.com) -actor:(bob or carol)",
  ])("finds the entry by %s", (text) => {
    expect(matches(text)).toBe(true);
  });

  it.each([
    "actor:alice",
    "resource:invoices",
    "impact.rows:>9007199254740993",
    "time:<2026-03-04T10:59:59.5Z",
    "missing or carol",
    "detail.none:null",
    "index:42",
    "ip:2001:db8::/32",
  ])("does not find it by %s", (text) => {
    expect(matches(text)).toBe(false);
  });

  it("uses the received time where an entry has no event, and searches its body", () => {
    const statement = parseEntry(
      '{"v":1,"kind":"statement","received":"2026-03-04T11:00:00.000000000Z","sent":"x","statement":{"type":"key.created","id":"k1"}}',
    );
    const parsed = parseSearch("time:>-2h statement:key.created k1 statement.id:k1 -sent", { nowMs });
    expect(parsed.ok && compilePredicate(parsed.predicate)(statement)).toBe(true);
  });

  it("never throws on the shape of an entry", () => {
    const all = ["time:>-2h", "ip:10.0.0.0/8", "word", "resources.id:a*", "index:>5", "native.a.b:1"].map((text) => {
      const result = parseSearch(text, { nowMs });
      if (!result.ok) throw new Error(result.problem.message);
      return compilePredicate(result.predicate);
    });
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("event", "received", "time", "native", "classes"), fc.jsonValue()),
        (shape) => {
          for (const matcher of all) expect(typeof matcher(shape)).toBe("boolean");
        },
      ),
    );
  });
});

const alphabet = fc.constantFrom("a", "B", "é", "Σ", "ς", "İ", "1", "-", ".", " ", "*", "?", "\\", "x", "K");
const text = fc.array(alphabet, { maxLength: 10 }).map((all) => all.join(""));
const patterns = fc
  .array(fc.constantFrom("a", "b", "1", ".", " ", "*", "*", "?", "\\*", "\\\\"), { maxLength: 7 })
  .map((all) => all.join(""));

/** The slow and obvious meaning of a pattern. */
function regexOf(pattern: string): RegExp {
  const source = pattern.replace(/\\[*?\\]|[\s\S]/g, (one) =>
    one === "*"
      ? "[\\s\\S]*"
      : one === "?"
        ? "[\\s\\S]"
        : `\\u${one.slice(-1).charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new RegExp(`^${source}$`);
}

describe("patterns and words", () => {
  it("match as the equivalent regular expression does", () => {
    fc.assert(
      fc.property(
        patterns,
        fc.array(fc.constantFrom("a", "b", "1", ".", " ", "*", "\\", "\n")).map((all) => all.join("")),
        (pattern, value) => {
          expect(matchGlob(parseGlob(pattern), value)).toBe(regexOf(pattern).test(value));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("take time linear in the text for patterns that break back-tracking engines", () => {
    const started = performance.now();
    expect(matchGlob(parseGlob(`${"a*".repeat(30)}b`), "a".repeat(200_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it("fold part by part as they fold whole", () => {
    fc.assert(
      fc.property(text, text, (one, two) => {
        expect(fold(one + two)).toBe(fold(one) + fold(two));
      }),
    );
  });

  it("a literal phrase matches only where its words are words of the value", () => {
    const wordy = fc
      .array(
        fc.constantFrom("a", "ab", "1", "12", ".", "-", " ", "é", "10.0.0.1", "0195613e-7c00-7000-8000-0123456789ab"),
        { maxLength: 9 },
      )
      .map((all) => all.join(""));
    fc.assert(
      fc.property(wordy, wordy, wordy, (before, phrase, after) => {
        const value = before + phrase + after;
        if (phrase === "" || !matchWords(parseGlob(escapeGlob(phrase)), value)) return;
        const words = wordsOf(value);
        for (const word of wordsOf(phrase)) expect(words).toContain(word);
      }),
      { numRuns: 3_000 },
    );
  });

  it("keep a UUID and an address as one word", () => {
    expect(wordsOf("get /u/0195613e-7c00-7000-8000-0123456789ab/x from 10.0.0.1:80, v1.2.3")).toEqual(
      "get u 0195613e-7c00-7000-8000-0123456789ab x from 10.0.0.1 80 v1 2 3".split(" "),
    );
  });

  it("compare numbers of any length exactly", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (one, two) => {
        const order = compareNumbers(String(one), String(two));
        expect(Math.sign(order)).toBe(one < two ? -1 : one > two ? 1 : 0);
      }),
    );
    expect(compareNumbers("12345678901234567890.10", "12345678901234567890.1")).toBe(0);
    expect(compareNumbers("-0.00000000000000000000", "0")).toBe(0);
  });

  it("take a text for a number in JSON's or everyday notation, and no other", () => {
    for (const text of ["1", "-1", "+1", "1.5", "1.", ".5", "1e3", "-1.5E-3"])
      expect([text, isNumber(text)]).toEqual([text, true]);
    for (const text of ["", ".", "-", "1.2.3", "0x1", "1 2", "e3", "NaN", "Infinity"])
      expect([text, isNumber(text)]).toEqual([text, false]);
  });
});

type Shape = { readonly [key: string]: string | number | readonly (string | number)[] };

/** The obvious evaluator over flat events, to compare with. */
function naive(predicate: Predicate, shape: Shape): boolean {
  if (predicate.op === "match") return naiveMatch(predicate, shape);
  if (predicate.op === "not") return !naive(predicate.of, shape);
  if (predicate.op === "and") return predicate.of.every((one) => naive(one, shape));
  return predicate.of.some((one) => naive(one, shape));
}

function naiveMatch(predicate: Match, shape: Shape): boolean {
  const value = shape[(predicate.field ?? "").replace("detail.", "")];
  const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
  const { test } = predicate;
  return values.some((one) => {
    const lower = fold(String(one));
    if (test.kind === "equals") return lower === fold(test.value);
    if (test.kind === "glob") return regexOf(fold(test.pattern)).test(lower);
    // A text is a number in JSON's or everyday notation: `1.5`, `.5`, `+1`, `1e3`.
    const isNumeric = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(lower);
    if (test.kind === "number") return isNumeric && Number(one) >= Number(test.min?.value ?? "-Infinity");
    return true;
  });
}

const value = fc.oneof(text, fc.integer({ min: -3, max: 3 }));
const shapes = fc.dictionary(fc.constantFrom("p", "q", "r"), fc.oneof(value, fc.array(value, { maxLength: 3 })));
const tests = fc.oneof(
  text.map((one): Test => ({ kind: "equals", value: one })),
  patterns.map((pattern): Test => ({ kind: "glob", pattern })),
  fc
    .integer({ min: -3, max: 3 })
    .map((one): Test => ({ kind: "number", min: { value: String(one), inclusive: true } })),
  fc.constant<Test>({ kind: "exists" }),
);
const trees = fc.letrec<{ node: Predicate }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc
      .tuple(fc.constantFrom("detail.p", "detail.q", "detail.r"), tests)
      .map(([field, test]): Predicate => ({ op: "match", field, test })),
    fc.array(tie("node"), { maxLength: 3 }).map((of): Predicate => ({ op: "and", of })),
    fc.array(tie("node"), { maxLength: 3 }).map((of): Predicate => ({ op: "or", of })),
    tie("node").map((of): Predicate => ({ op: "not", of })),
  ),
})).node;

describe("compilePredicate", () => {
  it("agrees with a naive evaluator", () => {
    fc.assert(
      fc.property(trees, shapes, (predicate, detail) => {
        expect(compilePredicate(predicate)({ event: { detail } })).toBe(naive(predicate, detail));
      }),
      { numRuns: 3_000 },
    );
  });
});
