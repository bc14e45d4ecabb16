import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CutLine, LineCutter } from "./line-cutter.ts";

function shown(lines: readonly CutLine[]): readonly unknown[] {
  return lines.map(({ start, line }) => {
    if (line === undefined) return [start];
    return [start, line.line, line.kind === "text" ? line.text : Buffer.from(line.bytes).toString("hex")];
  });
}

describe("LineCutter", () => {
  it("gives the same lines, numbers and places however its input is cut", () => {
    const piece = fc.oneof(
      fc.constantFrom("\n", "\r\n", "", "é", "{}", " \n", "a line\n"),
      fc.string({ maxLength: 6 }),
      fc.uint8Array({ maxLength: 4 }),
    );
    const parts = fc.tuple(fc.array(piece, { maxLength: 30 }), fc.array(fc.integer({ min: 1, max: 9 })));
    fc.assert(
      fc.property(parts, ([pieces, sizes]) => {
        const bytes = Buffer.concat([Buffer.from("x"), ...pieces.map((each) => Buffer.from(each as string))]);
        const whole = new LineCutter(0, 1);
        const wanted = [...whole.push(bytes), ...whole.cut()];
        const cutter = new LineCutter(0, 1);
        const got: CutLine[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % Math.max(1, sizes.length)] ?? 3;
          got.push(...cutter.push(bytes.subarray(at, at + size)));
          at += size;
        }
        got.push(...cutter.cut());
        expect(shown(got)).toEqual(shown(wanted));
        expect(cutter.offset).toBe(bytes.length);
        // Reading again from where any line begins gives that line and what follows.
        for (const [at, { start }] of wanted.entries()) {
          const again = new LineCutter(start, at + 1);
          if (at === 0) continue;
          expect(shown([...again.push(bytes.subarray(start)), ...again.cut()])).toEqual(shown(wanted).slice(at));
        }
      }),
    );
  });

  it("passes over a byte order mark, and zero bytes at the beginning", () => {
    const marked = new LineCutter(0, 1);
    expect(shown(marked.push(Buffer.from("\ufeffa\nb\n")))).toEqual([
      [3, 1, "a"],
      [5, 2, "b"],
    ]);
    const hole = new LineCutter(0, 1);
    expect(hole.push(Buffer.alloc(10))).toEqual([]);
    expect(shown(hole.push(Buffer.from("\0\0a\n\0b\n")))).toEqual([
      [12, 1, "a"],
      [14, 2, "\0b"],
    ]);
    expect(hole.hasHole).toBe(true);
  });

  it("keeps the beginning and the length of a line that is too long", () => {
    const cutter = new LineCutter(0, 1);
    const part = Buffer.alloc(1 << 20, 0x78);
    for (let at = 0; at < 17; at += 1) expect(cutter.push(part)).toEqual([]);
    const [long, next] = cutter.push(Buffer.from("\nb\n"));
    expect(long).toMatchObject({ start: 0, line: { kind: "line_too_long", sizeBytes: 17 << 20 } });
    expect(next).toMatchObject({ start: (17 << 20) + 1, line: { kind: "text", text: "b", line: 2 } });
  });
});
