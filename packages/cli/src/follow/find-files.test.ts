import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { FileFinder } from "./find-files.ts";

describe("finding the files of a log", () => {
  it("takes what rotation left beside it, but follows no link that no pattern names", () => {
    using directory = makeTemporaryDirectory("find-files");
    const at = (name: string): string => join(directory.path, name);
    writeFileSync(at("secret"), "not for the log\n");
    writeFileSync(at("real.log"), "a\n");
    writeFileSync(at("real.log.1"), "b\n");
    symlinkSync(at("secret"), at("real.log.2"));
    symlinkSync(at("real.log"), at("linked.log"));
    const find = (pattern: string): readonly string[] =>
      new FileFinder([pattern], [], () => undefined)
        .find()
        .map(({ path }) => path.slice(directory.path.length + 1))
        .sort();
    expect(find(at("real.log"))).toEqual(["real.log", "real.log.1"]);
    // A link that is named is followed, to the rotated files where it leads.
    expect(find(at("linked.log"))).toEqual(["linked.log", "real.log.1"]);
  });
});
