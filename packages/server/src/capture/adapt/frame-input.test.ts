import { array, assert, asyncProperty, constantFrom, integer, json } from "fast-check";
import { describe, expect, it } from "vitest";
import type { BodyLine } from "../body-line.ts";
import type { Framing } from "./adapter.ts";
import { frameInput } from "./frame-input.ts";

const jsonFraming: Framing = { kind: "json", wrappers: ["Records", "items"] };
const lineFraming: Framing = { kind: "lines" };

async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
    await Promise.resolve();
  }
}

async function frame(
  input: string | Uint8Array,
  {
    framings = [jsonFraming],
    sizes = [65_521],
    limit = 1 << 20,
  }: { framings?: readonly Framing[]; sizes?: readonly number[]; limit?: number } = {},
): Promise<readonly BodyLine[]> {
  const lines: BodyLine[] = [];
  const bytes = typeof input === "string" ? Buffer.from(input) : input;
  for await (const batch of frameInput(pieces(bytes, sizes), framings, limit)) lines.push(...batch);
  return lines;
}

/** Texts with their numbers; what is no text by its kind. */
function told(lines: readonly BodyLine[]): readonly (readonly [number, string])[] {
  return lines.map((line) => [line.line, line.kind === "text" ? line.text.trim() : line.kind]);
}

describe("cutting an input into records", () => {
  it.each([
    [
      "lines",
      '{"a":1}\n\n{"b":2}\r\n{"c":3}',
      [
        [1, '{"a":1}'],
        [3, '{"b":2}'],
        [4, '{"c":3}'],
      ],
    ],
    [
      "an array",
      '[{"a":1},\n {"b":[1,{"x":"]"}]} , 3 ]',
      [
        [1, '{"a":1}'],
        [2, '{"b":[1,{"x":"]"}]}'],
        [3, "3"],
      ],
    ],
    [
      "a wrapped array",
      '{"x":{"Records":[9]},"Records":[{"a":1},{"b":2}],"y":[{"c":3}]}',
      [
        [1, '{"a":1}'],
        [2, '{"b":2}'],
      ],
    ],
    ["a wrapped array over lines", '{\n "kind": "List",\n "items" : [\n {"a":1}\n ]\n}', [[1, '{"a":1}']]],
    [
      "wrapped arrays after each other",
      '{"Records":[{"a":1}]}\n{"Records":[{"b":2}],"z":{}}{"Records":[]}',
      [
        [1, '{"a":1}'],
        [2, '{"b":2}'],
      ],
    ],
    ["one object over lines", '{\n "a": "}",\n "b": {"c": 1}\n}', [[1, '{\n "a": "}",\n "b": {"c": 1}\n}']]],
    [
      "lines of which the first is broken",
      '{"a":1,\n{"b":2}',
      [
        [1, '{"a":1,'],
        [2, '{"b":2}'],
      ],
    ],
    ["a mark of the byte order", '\uFEFF[{"a":1}]', [[1, '{"a":1}']]],
    [
      "quotes and backslashes in strings",
      String.raw`[{"a":"\"]},{\\"},{"b":2}]`,
      [
        [1, String.raw`{"a":"\"]},{\\"}`],
        [2, '{"b":2}'],
      ],
    ],
    [
      "an array that does not end",
      '[{"a":1},{"b":',
      [
        [1, '{"a":1}'],
        [2, '{"b":'],
      ],
    ],
    [
      "a wrapped array that does not end",
      '{"Records":[{"a":1},{"b"',
      [
        [1, '{"a":1}'],
        [2, '{"b"'],
      ],
    ],
    [
      "brackets too many",
      '[{"a":1}]}]',
      [
        [1, '{"a":1}'],
        [2, "}]"],
      ],
    ],
    ["nothing", "", []],
    ["blanks", " \n\t\n", []],
    ["an empty array", "[]", []],
    ["a line that is no JSON", "hello", [[1, "hello"]]],
  ] as const)("reads %s", async (_what, input, expected) => {
    for (const sizes of [[65_521], [1], [3, 1, 7]]) expect(told(await frame(input, { sizes }))).toEqual(expected);
  });

  it("takes an input of lines as lines, whatever they look like", async () => {
    expect(told(await frame('[{"a":1},\n{"b":2}]', { framings: [lineFraming] }))).toEqual([
      [1, '[{"a":1},'],
      [2, '{"b":2}]'],
    ]);
  });

  it("finds every element of any array, in any pieces, spaced in any way", async () => {
    const elements = array(
      json({ maxDepth: 3 }).map((text) => ({ value: JSON.parse(text) as unknown })),
      { minLength: 1, maxLength: 8 },
    );
    const sizes = array(integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await assert(
      asyncProperty(elements, integer({ min: 0, max: 2 }), sizes, async (values, indent, pieceSizes) => {
        const array = JSON.stringify(values, null, indent);
        const wrapped = JSON.stringify({ n: "[", Records: values, m: ["{"] }, null, indent);
        for (const input of [array, wrapped, `${wrapped}\n`, values.map((value) => JSON.stringify(value)).join("\n")]) {
          const found = await frame(input, { sizes: pieceSizes });
          expect(found.map((line) => (line.kind === "text" ? (JSON.parse(line.text) as unknown) : line.kind))).toEqual(
            values,
          );
        }
      }),
    );
  });

  it("ends on anything, and loses no byte of a broken document but what frames its records", async () => {
    const parts = constantFrom("{", "}", "[", "]", '"', "\\", ",", ":", "\n", " ", '"Records"', "1", "é");
    await assert(
      asyncProperty(
        array(parts, { maxLength: 40 }),
        array(integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        async (input, sizes) => {
          const text = input.join("");
          expect(told(await frame(text, { sizes }))).toEqual(told(await frame(text)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("keeps only the beginning of a record over the limit, and goes on behind it", async () => {
    const long = `{"a":"${"x".repeat(200_000)}"}`;
    for (const input of [`${long}\n{"b":2}`, `[${long},{"b":2}]`, `{"Records":[${long},{"b":2}]}`]) {
      const [first, second] = await frame(input, { limit: 100_000, sizes: [4_096] });
      expect(first).toMatchObject({ kind: "line_too_long", line: 1, sizeBytes: long.length });
      expect(second).toMatchObject({ kind: "text", line: 2, text: '{"b":2}' });
    }
    const binary = await frame(Buffer.from([0x7b, 0xff, 0x7d, 0x0a, 0x7b, 0x7d]));
    expect(told(binary)).toEqual([
      [1, "invalid_utf8"],
      [2, "{}"],
    ]);
  });

  it("takes 256 MiB in one line within bounded memory", async () => {
    const block = Buffer.alloc(1 << 20, "x");
    const input = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('[{"a":"');
      for (let i = 0; i < 256; i += 1) {
        yield block;
        await Promise.resolve();
      }
      yield Buffer.from('"},{"b":2}]');
    };
    const before = process.memoryUsage.rss();
    const lines: BodyLine[] = [];
    for await (const batch of frameInput(input(), [jsonFraming], 1 << 20)) lines.push(...batch);
    expect(lines.map(({ kind }) => kind)).toEqual(["line_too_long", "text"]);
    expect(lines[0]).toMatchObject({ sizeBytes: (256 << 20) + 8 });
    expect(process.memoryUsage.rss() - before).toBeLessThan(96 << 20);
  });
});
