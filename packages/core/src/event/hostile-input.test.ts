import { describe, expect, it } from "vitest";
import { checkEvent, parseJson } from "./index.ts";

const MILLION = 1_000_000;

function refusalOf(text: string): { readonly field: string; readonly problem: string } | undefined {
  const parsed = parseJson(text);
  return parsed.ok ? undefined : parsed.problem;
}

describe("parsing what may be hostile", () => {
  it.each([
    ["a long string behind a key with a space", `{"a" :"${"x".repeat(8 * MILLION)}"}`],
    ["a long string of escapes", `{"a":"${'\\":'.repeat(4 * MILLION)}"}`],
  ])("looks for duplicate keys in %s without a stack as long as the text", (_, text) => {
    expect(parseJson(text).ok).toBe(true);
  });

  it.each([
    ['{"a":{"b":[1,{"c":1,"c":2}]}}', "a.b[1].c"],
    ['{"id":"x","id":"x"}', "id"],
    ['{"x":["a,b",{"k" : 1, "k": 2}]}', "x[1].k"],
  ])("names the path of the key that stands twice in %s", (text, field) => {
    expect(refusalOf(text)).toMatchObject({ field, problem: expect.stringContaining("stands twice") });
  });

  it.each([
    ['{"actor":{"name":"\\ud800"}}', "actor.name"],
    ['{"detail":{"list":["ok","\\udc00x"]}}', "detail.list[1]"],
  ])("names the path of half a surrogate pair in %s", (text, field) => {
    expect(refusalOf(text)).toMatchObject({ field, problem: "a string holds half of a surrogate pair" });
  });

  it("accepts a whole surrogate pair written as escapes", () => {
    expect(parseJson('{"a":"\\ud83d\\ude00"}')).toEqual({ ok: true, value: { a: "😀" } });
  });

  it("names the member that nests too deep, and refuses millions of brackets without parsing them", () => {
    const deep = `{"id":"x","native":${"[".repeat(40)}${"]".repeat(40)}}`;
    expect(refusalOf(deep)).toMatchObject({ field: "native", problem: "nested deeper than 32 levels" });
    const began = performance.now();
    expect(refusalOf(`${"[".repeat(5 * MILLION)}${"]".repeat(5 * MILLION)}`)?.problem).toMatch(/deeper/);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(parseJson(`{"a":"${"[".repeat(300_000)}"}`).ok).toBe(true);
  });
});

describe("explaining what may be hostile", () => {
  it.each([
    ["resources", `[${"1,".repeat(2 * MILLION)}1]`, "resources"],
    ["labels", `[${"{},".repeat(MILLION)}{}]`, "labels"],
    ["actor", `{${Array.from({ length: 200_000 }, (_, i) => `"k${i}":1`).join(",")}}`, "actor"],
  ])("looks at a bounded part of %s", (member, text, field) => {
    const parsed = parseJson(`{"${member}":${text}}`);
    const began = performance.now();
    const checked = checkEvent(parsed.ok ? parsed.value : undefined);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(!checked.ok && checked.problems.length).toBeLessThanOrEqual(20);
    expect(JSON.stringify(checked)).toContain(`"field":"${field}`);
  });

  it("takes numbers of the schema however they are written, and says why one is refused", () => {
    const event = (source: string): string =>
      `{"v":1.0,"id":"a","time":{"occurred":"2026-11-24T09:30:00Z","precision":"s","basis":"event"},"actor":{"type":"user","id":"u",` +
      `"ns":"n"},"action":{"op":"READ","name":"x","kind":"api"},"resources":[{"type":"t","id":"1"}],"outcome":{"status":"success"},` +
      `"source":${source},"origin":{"tenant":"t","source":"s","system":"y","adapter":"a"}}`;
    const check = (source: string): ReturnType<typeof checkEvent> => {
      const parsed = parseJson(event(source));
      return checkEvent(parsed.ok ? parsed.value : undefined);
    };
    expect(check('{"port":443.0,"geo":{"lat":52.50,"lon":1e1}}')).toMatchObject({
      ok: true,
      event: { v: 1, source: { port: 443, geo: { lat: 52.5, lon: 10 } } },
    });
    expect(check('{"geo":{"lat":52.12345678901234567890}}')).toMatchObject({
      ok: false,
      problems: [{ field: "source.geo.lat", fix: "Send a number with at most 15 digits." }],
    });
    expect(check('{"port":12345678901234567890}')).toMatchObject({ problems: [{ field: "source.port" }] });
  });
});
