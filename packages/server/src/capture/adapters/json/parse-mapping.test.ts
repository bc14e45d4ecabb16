import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAdapterOptions } from "../../adapt/index.ts";
import { json, parseMapping } from "./index.ts";

const good = `time: { occurred: $.at }
actor: { type: user, id: $.user }
action: { name: $.verb, op: { path: $.verb, table: { look: READ } } }
resources: { type: doc, id: $.doc }
outcome: { status: success }
origin: { system: app }
`;

/** `line column field: problem | fix` of everything that is wrong. */
function problems(text: string): readonly string[] {
  const parsed = parseMapping(text);
  if (parsed.ok) return [];
  return parsed.problems.map(
    ({ line, column, field, problem, fix }) => `${line}:${column} ${field}: ${problem} | ${fix}`,
  );
}

describe("a mapping", () => {
  it("is accepted when everything an event needs is there", () => {
    expect(problems(good)).toEqual([]);
    expect(parseMapping({})).toMatchObject({ ok: false });
  });

  it("is refused with everything that is missing, and what it would be", () => {
    expect(problems("name: x")).toEqual([
      "1:1 : time is missing | Add time: When.",
      "1:1 : actor is missing | Add actor: Who acted.",
      "1:1 : action is missing | Add action: What was done.",
      "1:1 : resources is missing | Add resources: To which resources; at least one.",
      "1:1 : outcome is missing | Add outcome: With what outcome.",
      "1:1 : origin is missing | Add origin: How the event came.",
    ]);
  });

  it.each([
    ["actor: {", "outcomes: {", 2, "outcomes", '"outcomes" is not known here', "Did you mean outcome?"],
    [
      "table: { look: READ }",
      "table: { look: REED }",
      3,
      "action.op.table.look",
      '"REED" is not allowed here',
      "Did you mean READ?",
    ],
    [
      "status: success",
      "status: ok",
      5,
      "outcome.status",
      '"ok" is not allowed here',
      "Allowed: success, denied, failure, pending, unknown.",
    ],
    ["id: $.user", "id: $.user-id", 2, "actor.id", "the path cannot be read from character 7", "['user.id']"],
    ["id: $.user", "idd: $.user", 2, "actor", "id is missing", "Exact, stable id"],
    [
      "occurred: $.at",
      "occurred: { path: $.at, format: yy }",
      1,
      "time.occurred.format",
      "the pattern has yy",
      "rfc3339",
    ],
    [
      "occurred: $.at",
      "occurred: { path: $.at, format: yyyy-MM-dd }",
      1,
      "time.occurred.format",
      "states no zone",
      "zone: UTC",
    ],
    [
      "occurred: $.at",
      "occurred: { path: $.at, zone: Berlin }",
      1,
      "time.occurred.zone",
      '"Berlin" is no time zone',
      "Europe/Berlin",
    ],
    [
      "id: $.doc",
      "id: { path: $.doc, value: x }",
      4,
      "resources.id",
      "needs one of path, value and template",
      "Keep one",
    ],
    [
      "id: $.doc",
      "id: { path: $.doc, between: [a] }",
      4,
      "resources.id.between",
      "is no list of two texts",
      "beginning",
    ],
    [
      "id: $.doc",
      "id: { path: $.doc, ranges: [{ from: 9, to: 1, value: x }] }",
      4,
      "resources.id.ranges[0]",
      "no bounds in order",
      "lowest",
    ],
    [
      "id: $.doc",
      "id: { path: $.doc, when: { path: $.a } }",
      4,
      "resources.id.when",
      "compares nothing",
      "Add one of equals",
    ],
    [
      "id: $.doc",
      "id: { path: $.doc, when: { path: $.a, equal: 1 } }",
      4,
      "resources.id.when.equal",
      '"equal" is not known here',
      "Did you mean equals?",
    ],
    ["id: $.doc", 'id: "{$.a/{$.b}"', 4, "resources.id", "the path cannot be read", "$['user.id']"],
    ["id: $.doc", 'id: "{$.a"', 4, "resources.id", "has a path without its }", "Close the brace."],
    ["id: $.doc", "id: []", 4, "resources.id", "is an empty list", "at least one"],
    ["id: $.doc", "id:", 4, "resources.id", "is empty", "leave it out"],
    ["id: $.doc", "id: { path: $.doc, split: x }", 4, "resources.id.split", "makes a list of one value", "several"],
    [
      "origin: { system: app }",
      "origin: { system: app }\nmissingTime: now",
      7,
      "missingTime",
      '"now" is not known here',
      "received",
    ],
  ])("with %s as %s is refused at its line", (from, to, line, field, problem, fix) => {
    const text = good.replace(from, to);
    const found = problems(text);
    const match = found.find(
      (each) => each.startsWith(`${line}:`) && each.includes(` ${field}: `) && each.includes(problem),
    );
    expect(match ?? found).toContain(fix);
  });

  it("is refused at the line where it is no YAML", () => {
    expect(problems("a: 1\nb: @.id\n")[0]).toMatch(/^2:4 : .*reserved character.*Put the text in quotes/);
    expect(problems("a: [1,\n")[0]).toMatch(/^\d+:\d+ : .* \| Correct the YAML\.$/);
    expect(problems("a: 1\na: 2\n")[0]).toMatch(/^2:1 : .*unique/);
    expect(problems("just text")[0]).toContain("a file is named as @file.yaml");
    expect(problems("x".repeat(300_000))[0]).toContain("Keep it below");
  });

  it("is not blown up by anchors", () => {
    const bomb = [
      "a: &a [x,x,x,x,x,x,x,x,x]",
      ...["b", "c", "d", "e", "f"].map((name, index) => {
        const before = "abcdef"[index];
        return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(",")}]`;
      }),
    ].join("\n");
    expect(problems(bomb)[0]).toContain("anchors");
  });

  it("is checked when the options of the adapter are, with line and fix", () => {
    expect(() => parseAdapterOptions(json, { mapping: good.replace("READ", "REED") })).toThrow(
      expect.objectContaining({
        code: "bad_request",
        message: expect.stringContaining("line 3, column 54: action.op.table.look"),
        fix: "Did you mean READ?",
      }),
    );
    expect(() => parseAdapterOptions(json, {})).toThrow(expect.objectContaining({ code: "bad_request" }));
    expect(() => parseAdapterOptions(json, { mapping: { actor: { type: "user" } } })).toThrow(
      /^the mapping is wrong: time is missing; /,
    );
  });

  it("never fails in another way, whatever it is", () => {
    const pieces = [
      "time",
      "actor",
      "action",
      "resources",
      "each",
      "when",
      "path",
      "$.a",
      "@",
      "{$.b}",
      "table",
      "default",
      "ranges",
    ];
    const leaf = fc.oneof(
      fc.constantFrom(...pieces),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.string({ maxLength: 8 }),
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        leaf,
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...pieces), tie("tree"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...pieces, "outcome", "origin", "skip", "mask", "detail"), tree),
        (value) => {
          const parsed = parseMapping(value);
          expect(parsed.ok || parsed.problems.length > 0).toBe(true);
          expect(parseMapping(JSON.stringify(value)).ok).toBe(parsed.ok);
        },
      ),
      { numRuns: 300 },
    );
  });
});
