import { describe, expect, it } from "vitest";
import { parseJsonPath, replaceAt, selectAll, selectFirst } from "./json-path.ts";

const record = {
  user: { id: 7, "e-mail": "ada@example.com", groups: ["a", "b", "c"] },
  "meta.ip": "203.0.113.9",
  params: [
    { key: "q", value: 1 },
    { key: "user", value: { login: "ada" } },
  ],
  empty: null,
  "it's": "quoted",
};

function all(path: string, node: unknown = record): readonly unknown[] {
  const parsed = parseJsonPath(path);
  if (!parsed.ok) throw new Error(parsed.problem);
  return selectAll(parsed.path, record, node);
}

describe("paths", () => {
  it.each([
    ["$", [record]],
    ["$.user.id", [7]],
    ["$.user['e-mail']", ["ada@example.com"]],
    ['$["meta.ip"]', ["203.0.113.9"]],
    ["$['it\\'s']", ["quoted"]],
    ["$.user.groups[0]", ["a"]],
    ["$.user.groups[-1]", ["c"]],
    ["$.user.groups[9]", []],
    ["$.user.groups[*]", ["a", "b", "c"]],
    ["$.params[*].value.login", ["ada"]],
    ["$.params[?@.key == 'user'].value.login", ["ada"]],
    ['$.params[?(@.key=="q")].value', [1]],
    ["$.params[?@.value.login == 'ada'].key", ["user"]],
    ["$.*.id", [7]],
    ["$.empty", [null]],
    ["$.nobody.id", []],
    ["$.user.id.more", []],
    ["$.__proto__", []],
    ["$.user.constructor", []],
  ])("%s selects what RFC 9535 says", (path, expected) => {
    expect(all(path)).toEqual(expected);
  });

  it("begin at the element with @", () => {
    expect(all("@.key", record.params[1])).toEqual(["user"]);
    expect(all("@", 5)).toEqual([5]);
  });

  it.each([
    ["user.id", "does not begin with $"],
    ["$.e-mail", "['"],
    ["$..id", "descendants"],
    ["$.a[1:2]", "slices"],
    ["$.a[?@.x > 1]", "filters"],
    ["$.a[?(@.x == 'y']", "filters"],
    ["$.a[01]", "character"],
    ["$['open", "character"],
    ["$.", "character"],
    [`$${".a".repeat(65)}`, "64 steps"],
    [`$.${"a".repeat(1_000)}`, "1000 characters"],
  ])("%s is refused with a reason", (path, reason) => {
    const parsed = parseJsonPath(path);
    expect(parsed.ok ? "" : parsed.problem).toContain(reason);
  });

  it("select the first value without looking at the others", () => {
    const parsed = parseJsonPath("$.params[*].key");
    expect(parsed.ok && selectFirst(parsed.path, record, record)).toBe("q");
  });

  it("replace what they select in a copy, and nothing else", () => {
    const parsed = parseJsonPath("$.params[?@.key == 'user'].value.login");
    if (!parsed.ok) throw new Error(parsed.problem);
    const replaced = replaceAt(record, parsed.path, "***");
    expect(replaced).toEqual({ ...record, params: [record.params[0], { key: "user", value: { login: "***" } }] });
    expect(record.params[1]?.value).toEqual({ login: "ada" });
    const none = parseJsonPath("$.user.nothing");
    expect(none.ok && replaceAt(record, none.path, "***")).toBe(record);
  });
});
