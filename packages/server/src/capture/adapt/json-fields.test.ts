import { parseJson } from "@evident/core";
import { describe, expect, it } from "vitest";
import { field, isObject, listAt, objectAt, textAt, textsAt, toText } from "./json-fields.ts";

/** A number that a double would change, as it is kept. */
function rawNumber(text: string): unknown {
  const parsed = parseJson(`[${text}]`);
  return parsed.ok ? (parsed.value as readonly unknown[])[0] : undefined;
}

const value = JSON.parse(
  '{"a":{"b":["x",1,true,null,"-",{}],"n":7,"s":"t"},"e":"","__proto__":{"x":"own"}}',
) as unknown;

describe("reading members of JSON", () => {
  it("follows a path through own members only", () => {
    expect(field(value, "a", "s")).toBe("t");
    expect(field(value, "__proto__", "x")).toBe("own");
    expect(field(value, "a", "toString")).toBeUndefined();
    expect(field(value, "a", "s", "length")).toBeUndefined();
    expect(field([1], "0")).toBeUndefined();
    expect(field(null, "a")).toBeUndefined();
  });

  it("gives scalars as text, and nothing for what says nothing", () => {
    expect([textAt(value, "a", "n"), textAt(value, "e"), textAt(value, "a"), textAt(value, "a", "b")]).toEqual([
      "7",
      undefined,
      undefined,
      undefined,
    ]);
    expect([toText("-"), toText(null), toText(false), toText(rawNumber("12345678901234567890"))]).toEqual([
      undefined,
      undefined,
      "false",
      "12345678901234567890",
    ]);
    expect(textsAt(value, "a", "b")).toEqual(["x", "1", "true"]);
  });

  it("tells objects and lists apart", () => {
    expect(objectAt(value, "a", "b")).toBeUndefined();
    expect(objectAt(value, "a")).toBeDefined();
    expect(listAt(value, "a")).toEqual([]);
    expect(isObject(rawNumber("12345678901234567890"))).toBe(false);
  });
});
