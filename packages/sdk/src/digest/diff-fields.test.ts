import { describe, expect, it } from "vitest";
import { keyedDigest } from "../client/index.ts";
import { canonicalJson } from "./canonical-json.ts";
import { diffFields } from "./diff-fields.ts";
import { webDigest } from "./web-digest.ts";

describe("changed fields", () => {
  it.each([
    [{ a: 1 }, { a: 1 }, []],
    [{ a: 1, b: 2 }, { a: 1, b: 3 }, ["b"]],
    [{ a: { b: { c: 1 }, d: 1 } }, { a: { b: { c: 2 }, d: 1 } }, ["a.b.c"]],
    [{ a: 1 }, { b: 1 }, ["a", "b"]],
    [{ list: [1, 2] }, { list: [1, 3] }, ["list"]],
    [{ list: [1, { a: 1 }] }, { list: [1, { a: 1 }] }, []],
    [undefined, { a: 1, b: { c: 1 } }, ["a", "b"]],
    [{ at: new Date(1) }, { at: new Date(2) }, ["at"]],
    [{ at: new Date(1) }, { at: new Date(1) }, []],
    [{ a: undefined }, {}, []],
  ])("of %j and %j are %j", (before, after, fields) => {
    expect(diffFields(before, after)).toEqual(fields);
  });

  it("are bounded, also in a value without an end", () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, place) => [`f${place}`, place]));
    expect(diffFields({}, many)).toHaveLength(1_000);
    type Loop = { self?: Loop; n: number };
    const loop = (n: number): Loop => {
      const value: Loop = { n };
      value.self = { n, self: { n, self: { n } } };
      return value;
    };
    expect(diffFields(loop(1), loop(2))).toContain("self.self.n");
  });
});

describe("a keyed digest", () => {
  it("is the same for equal values, and on every runtime", async () => {
    const value = { b: [1, { d: null, c: "ü" }], a: undefined };
    expect(canonicalJson({ b: 1, a: { d: 1, c: 2 } })).toBe('{"a":{"c":2,"d":1},"b":1}');
    const digest = keyedDigest("0123456789abcdef", value);
    expect(digest).toMatch(/^hmac-sha256:[\w-]{43}$/);
    expect(await webDigest("0123456789abcdef", { b: [1, { c: "ü", d: null }] })).toBe(digest);
    expect(await webDigest(new TextEncoder().encode("0123456789abcdef"), value)).toBe(digest);
    expect(keyedDigest("another key of 16", value)).not.toBe(digest);
  });
});
