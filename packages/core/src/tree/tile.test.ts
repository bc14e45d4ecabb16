import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as tree from "./index.ts";

describe("tile paths", () => {
  it("are those of the specification", () => {
    expect(tree.tilePath(0, 1_234_067, 256)).toBe("tile/0/x001/x234/067");
    expect(tree.tilePath(0, 273, 112)).toBe("tile/0/273.p/112");
    expect(tree.tilePath(63, 0, 1)).toBe("tile/63/000.p/1");
    expect(tree.bundlePath(1000, 256)).toBe("tile/entries/x001/000");
    expect(tree.partialTiles(70_000)).toEqual([
      { level: 0, n: 273, width: 112 },
      { level: 1, n: 1, width: 17 },
      { level: 2, n: 0, width: 1 },
    ]);
    expect([0, 1, 2].map((level) => tree.fullTileCount(level, 70_000))).toEqual([273, 1, 0]);
    expect(tree.partialTiles(0)).toEqual([]);
  });

  it("parse back to the same coordinates", () => {
    const n = fc.integer({ min: 0, max: 2 ** 45 });
    const width = fc.integer({ min: 1, max: 256 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 63 }), n, width, (level, n, width) => {
        expect(tree.parseTilePath(tree.tilePath(level, n, width))).toEqual({ kind: "tile", level, n, width });
        expect(tree.parseTilePath(tree.bundlePath(n, width))).toEqual({ kind: "entries", n, width });
      }),
    );
  });

  it.each([
    "tile/0/0",
    "tile/00/000",
    "tile/64/000",
    "tile/0/x000/001",
    "tile/0/1000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000/",
    "/tile/0/000",
    "tile/entries/000.p/",
    "tile/data/000",
    "tile/0/x001/x002/x003/x004/x005/x006/007",
    "tile/0/../000",
    "tile/0/x999/x999/x999/x999/x999/999",
  ])("refuse %j", (path) => {
    expect(tree.parseTilePath(path)).toBeUndefined();
  });

  it("refuse coordinates that no tile has", () => {
    for (const [level, n, width] of [
      [64, 0, 1],
      [0, -1, 1],
      [0, 0, 0],
      [0, 0, 257],
      [0.5, 0, 1],
    ] as const) {
      expect(() => tree.tilePath(level, n, width)).toThrow(expect.objectContaining({ code: "bad_encoding" }));
    }
  });
});

describe("bundles", () => {
  it("give back the entries they were made of", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 }), (entries) => {
        expect(tree.decodeBundle(tree.encodeBundle(entries))).toEqual(entries);
      }),
    );
    const longest = new Uint8Array(65_535).fill(7);
    expect(tree.decodeBundle(tree.encodeBundle([longest]))).toEqual([longest]);
  });

  it("refuse entries that are too long and bytes that end early", () => {
    expect(() => tree.encodeBundle([new Uint8Array(65_536)])).toThrow(
      expect.objectContaining({ code: "bad_encoding" }),
    );
    expect(() => tree.decodeBundle(Uint8Array.of(0, 2, 1))).toThrow(expect.objectContaining({ code: "bad_encoding" }));
    expect(() => tree.decodeBundle(Uint8Array.of(0))).toThrow(expect.objectContaining({ code: "bad_encoding" }));
  });
});
