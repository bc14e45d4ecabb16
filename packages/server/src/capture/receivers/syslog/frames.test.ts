import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SyslogFrames } from "./frames.ts";

const LIMIT = 64 * 1024;

/** Feeds bytes in pieces of the given sizes, and returns the texts that came out and what was left at the end. */
function cut(
  bytes: Uint8Array,
  sizes: readonly number[],
): { readonly texts: readonly string[]; readonly left: string } {
  const frames = new SyslogFrames(LIMIT);
  const texts: string[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i += 1) {
    const size = Math.max(1, sizes[i % Math.max(1, sizes.length)] ?? bytes.length);
    for (const line of frames.add(bytes.subarray(at, at + size)))
      texts.push(line.kind === "text" ? line.text : line.kind);
    at += size;
  }
  return { texts, left: Buffer.from(frames.end()?.bytes ?? []).toString() };
}

const counted = (text: string): string => `${Buffer.byteLength(text)} ${text}`;

describe("SyslogFrames", () => {
  it.each([
    ["newlines", "<1>a\n<2>b\r\n\n<3>c\n", ["<1>a", "<2>b", "<3>c"], ""],
    ["lengths", `${counted("<1>a\nb")}${counted("<2>é")}`, ["<1>a\nb", "<2>é"], ""],
    ["both, frame by frame", `<1>a\n${counted("<2>b")}<3>c\n`, ["<1>a", "<2>b", "<3>c"], ""],
    ["lengths with newlines behind them", `${counted("<1>a")}\n${counted("<2>b\n")}\0`, ["<1>a", "<2>b"], ""],
    ["lines that begin with digits", "2026-11-25 x\n12:30 y\n", ["2026-11-25 x", "12:30 y"], ""],
    ["no end", "<1>a\n<2>b", ["<1>a"], "<2>b"],
    ["a length and no end", "10 <1>a", [], "<1>a"],
    ["half a length", "<1>a\n12", ["<1>a"], "12"],
    ["more digits than a length has", `${"9".repeat(30)} x\n`, [`${"9".repeat(30)} x`], ""],
    ["bytes that are no text", Buffer.from("ff0a", "hex").toString("latin1"), ["invalid_utf8"], ""],
  ])("takes %s, however the bytes are cut", (_, text, texts, left) => {
    const bytes = Buffer.from(text, text.includes("ÿ") ? "latin1" : "utf8");
    for (const sizes of [[bytes.length], [1], [2, 3], [5, 1, 1]]) expect(cut(bytes, sizes)).toEqual({ texts, left });
  });

  it("gives back any messages with lengths, and any lines, in any pieces", () => {
    const message = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).map((text) => `<13>${text}x`);
    const check = fc.check(
      fc.property(
        fc.array(fc.tuple(message, fc.boolean())),
        fc.array(fc.nat(20), { minLength: 1 }),
        (messages, sizes) => {
          const sent = messages.map(([text, byLength]) => ({
            text: byLength ? text : text.replaceAll("\n", " "),
            byLength,
          }));
          const wire = sent.map(({ text, byLength }) => (byLength ? counted(text) : `${text}\n`)).join("");
          expect(cut(Buffer.from(wire), sizes)).toEqual({ texts: sent.map(({ text }) => text), left: "" });
        },
      ),
    );
    expect(check.counterexample, `seed ${check.seed}: ${String(check.errorInstance)}`).toBeNull();
  });

  it("keeps the beginning of what is too long, whatever length was announced", () => {
    const frames = new SyslogFrames(LIMIT);
    const part = Buffer.alloc(1024 * 1024, "x");
    expect(frames.add(Buffer.from(`${20 * part.length} `))).toEqual([]);
    const found = Array.from({ length: 20 }, () => frames.add(part)).flat();
    expect(found).toMatchObject([{ kind: "line_too_long", sizeBytes: 20 * part.length }]);
    expect(found[0]?.kind === "line_too_long" ? found[0].bytes.length : 0).toBe(LIMIT);
    for (let i = 0; i < 3; i += 1) frames.add(part);
    expect(frames.end()).toMatchObject({ line: 2, sizeBytes: 3 * part.length });
  });
});
