import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { defineLineAdapter, listAdapterOptions, noOptions, parseAdapterOptions, skipped } from "./index.ts";

const adapter = defineLineAdapter({
  name: "thing",
  title: "things",
  options: Type.Object(
    {
      cluster: Type.String({ description: "Name of the cluster.", default: "main", minLength: 1 }),
      strict: Type.Boolean({ description: "Whether to be strict.", default: false }),
      count: Type.Optional(Type.Integer({ description: "How many.", minimum: 1 })),
      ratio: Type.Optional(Type.Number({ description: "A part." })),
      hosts: Type.Array(Type.String(), { description: "Names.", default: [] }),
      even: Type.Optional(
        Type.Refine(
          Type.String({ description: "An even length." }),
          (text) => text.length % 2 === 0,
          () => "has an odd length",
        ),
      ),
    },
    { additionalProperties: false },
  ),
  recognises: () => false,
  prepare: () => () => skipped("never"),
});

describe("options of an adapter", () => {
  it("fills in defaults, and leaves what was given as it was", () => {
    const given = Object.freeze({ cluster: "eu" });
    expect(parseAdapterOptions(adapter, given)).toEqual({ cluster: "eu", strict: false, hosts: [] });
    expect(parseAdapterOptions({ ...adapter, options: noOptions }, {})).toEqual({});
  });

  it("turns texts of a command line into what the option is", () => {
    const texts = { strict: "true", count: "12", ratio: "-0.5", hosts: "a, b,c", cluster: "true" };
    expect(parseAdapterOptions(adapter, texts)).toEqual({
      strict: true,
      count: 12,
      ratio: -0.5,
      hosts: ["a", "b", "c"],
      cluster: "true",
    });
  });

  it.each([
    [{ clutser: "x" }, /no option "?clutser/, "Did you mean cluster?"],
    [{ zzzzzzzz: "x" }, /no option/, "See `evident adapters thing`."],
    [{ cluster: "" }, /option cluster of thing/, "Name of the cluster."],
    [{ strict: "maybe" }, /option strict/, "Whether to be strict."],
    [{ count: "1.5" }, /option count/, "How many."],
    [{ hosts: [1] }, /option hosts/, "Names."],
    [{ even: "odd" }, /has an odd length/, "An even length."],
    [{ toString: "x" }, /no option/, "See `evident adapters thing`."],
    [JSON.parse('{"__proto__":"x"}') as Record<string, unknown>, /no option/, "See `evident adapters thing`."],
  ])("refuses %j and says what to do", (given, message, fix) => {
    expect(() => parseAdapterOptions(adapter, given)).toThrow(
      expect.objectContaining({ code: "bad_request", fix }) as Error,
    );
    expect(() => parseAdapterOptions(adapter, given)).toThrow(message);
  });

  it("lists them for help texts", () => {
    expect(listAdapterOptions(adapter)).toContainEqual({
      name: "hosts",
      type: "array",
      description: "Names.",
      default: [],
    });
    expect(listAdapterOptions(adapter)).toContainEqual({ name: "count", type: "integer", description: "How many." });
  });

  it("does not open an adapter with options that were not checked", () => {
    expect(() => adapter.open({ cluster: 7 }, { nowMs: () => 0 })).toThrow(TypeError);
  });
});
