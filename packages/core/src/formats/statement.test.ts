import { describe, expect, it } from "vitest";
import { utf8 } from "../encoding/index.ts";
import { parseEntryHead, readStatement } from "./index.ts";

const hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

describe("statements", () => {
  it("are read by their type, with members of later versions", () => {
    const sealed = {
      type: "segment.sealed",
      trail: "a",
      first: 0,
      count: 256,
      file: "f",
      sizeBytes: 1,
      sha256: hash,
      later: 1,
    };
    expect(readStatement(sealed)).toEqual({ kind: "known", statement: sealed });
    expect(readStatement({ type: "rule.activated" })).toEqual({ kind: "other", type: "rule.activated" });
    expect(readStatement({ type: "toString" })).toEqual({ kind: "other", type: "toString" });
  });

  it.each([
    [null, "type"],
    ["x", "type"],
    [{ type: 1 }, "type"],
    [{ type: "server.stopped", epoch: -1 }, "/epoch"],
    [
      { type: "checkpoint.recorded", reason: "stop", heads: [{ trail: "A", origin: "o", size: 1, root: hash }] },
      "/heads/0/trail",
    ],
    [{ type: "tail.sealed", trail: "a", first: 2 ** 60, size: 1, file: "f", sizeBytes: 1, sha256: hash }, "/first"],
  ])("%j is malformed, and the member is named", (value, named) => {
    expect(readStatement(value)).toEqual({ kind: "malformed", detail: expect.stringContaining(named) });
  });
});

describe("a stored line", () => {
  const line = '{"v":1,"kind":"event","received":"2026-11-24T10:00:00.000000000Z","sent":"x","event":{}}';

  it("begins with version, kind and time", () => {
    expect(parseEntryHead(utf8(line))).toEqual({ kind: "event", received: "2026-11-24T10:00:00.000000000Z" });
  });

  it.each([
    line.slice(0, -2),
    ` ${line}`,
    line.replace('"event"', '"other"'),
    line.replace(".000000000Z", ".000Z"),
    line.replace('"sent"', '"rules"'),
    line.replace('"v":1', '"v": 1'),
    "",
  ])("%j is not one", (broken) => {
    expect(parseEntryHead(utf8(broken))).toBeUndefined();
  });
});
