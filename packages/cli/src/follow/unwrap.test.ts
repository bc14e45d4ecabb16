import { describe, expect, it } from "vitest";
import type { CutLine } from "./line-cutter.ts";
import { LineCutter } from "./line-cutter.ts";
import { Unwrapper, type Wrapping } from "./unwrap.ts";

function linesOf(text: string): readonly CutLine[] {
  return new LineCutter(0, 1).push(Buffer.from(text));
}

function unwrap(wrapping: Wrapping, text: string, stream?: string): readonly unknown[] {
  return new Unwrapper(wrapping, stream, 1).take(linesOf(text)).map(({ start, line, isOther }) => {
    return [start, isOther === true ? "other" : line?.kind === "text" ? line.text : line?.kind];
  });
}

describe("Unwrapper", () => {
  it("takes lines out of docker's json-file", () => {
    const text = `{"log":"GET /\\n","stream":"stdout","time":"2026-11-25T10:00:00Z"}\n{"log":"oops\\n","stream":"stderr"}\n`;
    expect(unwrap("docker", text)).toEqual([
      [0, "GET /"],
      [66, "oops"],
    ]);
    expect(unwrap("auto", text, "stdout")).toEqual([
      [0, "GET /"],
      [66, "other"],
    ]);
  });

  it("joins the pieces of a long line, of each stream by itself", () => {
    const text = [
      "2026-11-25T10:00:00.1Z stdout P one, ",
      "2026-11-25T10:00:00.2Z stderr F between",
      "2026-11-25T10:00:00.3Z stdout F two",
      "2026-11-25T10:00:00.4Z stdout F",
      "2026-11-25T10:00:00.5Z stdout F last",
    ];
    // Reading cannot begin again at a line that is entangled with another.
    expect(unwrap("cri", `${text.join("\n")}\n`)).toEqual([
      [undefined, "between"],
      [undefined, "one, two"],
      [114, undefined],
      [146, "last"],
    ]);
  });

  it("leaves what is not wrapped as it is, for its adapter to refuse", () => {
    expect(unwrap("auto", '{"log":5}\nplain\n{"log":"cut\n')).toEqual([
      [0, '{"log":5}'],
      [10, "plain"],
      [16, '{"log":"cut'],
    ]);
  });

  it("waits for the rest of a line until it is cut", () => {
    const unwrapper = new Unwrapper("cri", undefined, 7);
    expect(unwrapper.take(linesOf("2026-11-25T10:00:00.1Z stdout P half\n"))).toEqual([]);
    expect(unwrapper.isWaiting).toBe(true);
    expect(unwrapper.cut()).toMatchObject([{ start: 0, line: { line: 7, text: "half" } }]);
    expect(unwrapper.isWaiting).toBe(false);
  });
});
