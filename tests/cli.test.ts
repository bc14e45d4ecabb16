import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errors } from "@evident/core";
import { makeTemporaryDirectory, runEvident } from "@evident/testkit";
import { describe, expect, it } from "vitest";

const verbs =
  "serve init ingest follow adapters search tail export sources show prove verify trails keys reindex doctor demo".split(
    " ",
  );

describe("the command line without a server", () => {
  it("lists every verb, and has help with examples, flags and exit codes for each", async () => {
    using directory = makeTemporaryDirectory("cli");
    const run = (...args: string[]) => runEvident(args, { cwd: directory.path });
    const overview = await run("help");
    expect(overview.code).toBe(0);
    for (const verb of verbs) {
      expect(overview.stdout).toContain(`\n  ${verb} `);
      const { code, stdout, stderr } = await run(verb, "--help");
      expect({ verb, code, stderr }).toEqual({ verb, code: 0, stderr: "" });
      for (const part of ["Usage", "Examples", "Flags", "Exit codes"]) expect(stdout).toContain(`\n${part}\n`);
      // A sentence that was cut within a word or a quotation reads like a mistake.
      expect(stdout).not.toMatch(/Default[^.]*`\.$/m);
    }
  });

  it("says what each exit code means", async () => {
    using directory = makeTemporaryDirectory("cli");
    const { stdout } = await runEvident(["help", "exits"], { cwd: directory.path });
    const own = Object.entries(errors).filter(([, { exit }]) => exit > 3);
    const missing = own.filter(([code, { exit }]) => !new RegExp(`^ +${exit} .*\\b${code}:`, "m").test(stdout));
    expect(missing).toEqual([]);
  });

  it("names the nearest verb, act and flag, and what is missing or too much, with exit code 2", async () => {
    using directory = makeTemporaryDirectory("cli");
    const refused = [
      [["serch"], "Did you mean search?"],
      [["trails", "creat"], "Did you mean create?"],
      [["ingest", "--trial", "main", "x"], "Did you mean --trail?"],
      [["ingest"], "needs FILE|-"],
      [["show", "a", "b"], 'does not take "b"'],
      [["search", "--limit", "many"], "Give a whole number"],
      [["search", "--limit"], "--limit needs a value"],
      [["search", "--all", "--limit", "3"], "exclude each other"],
      [["keys", "create"], "needs --role"],
      [["demo", "--out", "x"], "--count"],
      [["search", "--url", "ftp://x"], "Give a URL"],
      [["serve", "--listen", "nowhere"], "listen"],
      [["serve", "--config", "missing.yaml"], "missing.yaml"],
    ] as const;
    for (const [args, text] of refused) {
      const { code, stderr } = await runEvident(args, { cwd: directory.path });
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toContain(text);
      expect(stderr).toContain("fix: ");
    }
    expect((await runEvident([], { cwd: directory.path })).code).toBe(2);
  });

  it("gives errors as JSON where JSON is asked for", async () => {
    using directory = makeTemporaryDirectory("cli");
    const { code, stderr } = await runEvident(["show", "--json"], { cwd: directory.path });
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "bad_request", exit: 2 } });
  });

  it("writes a configuration that the server accepts, and never over one that is there", async () => {
    using directory = makeTemporaryDirectory("cli");
    const run = (...args: string[]) => runEvident(args, { cwd: directory.path });
    expect((await run("init")).code).toBe(0);
    const file = join(directory.path, "evident.yaml");
    const text = readFileSync(file, "utf8");
    expect((await run("init", "--out", "-")).stdout).toBe(text);
    writeFileSync(file, "mine: 1\n");
    const again = await run("init");
    expect(again.code).toBe(errors.conflict.exit);
    expect(readFileSync(file, "utf8")).toBe("mine: 1\n");
    const refused = await run("serve");
    expect({ code: refused.code, named: refused.stderr.includes("mine") }).toEqual({ code: 2, named: true });
    expect((await run("init", "--force", "--json")).stdout).toBe('{"file":"evident.yaml"}\n');
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("writes the same demo for the same seed, and another for another", async () => {
    using directory = makeTemporaryDirectory("cli");
    const run = (...args: string[]) => runEvident(["demo", ...args], { cwd: directory.path });
    expect((await run("--count", "500", "--out", "a")).code).toBe(0);
    expect(JSON.parse((await run("--count", "500", "--out", "b", "--json")).stdout)).toMatchObject({
      file: "b",
      events: 500,
    });
    await run("--count", "500", "--seed", "2", "--out", "c");
    const read = (name: string) => readFileSync(join(directory.path, name), "utf8");
    expect(read("a")).toBe(read("b"));
    expect(read("a")).not.toBe(read("c"));
    expect(read("a").split("\n").length).toBe(501);
    const refused = await run("--count", "1", "--out", "missing/x");
    expect(refused.code).toBe(errors.not_found.exit);
  });

  it("says so when no server is there", async () => {
    using directory = makeTemporaryDirectory("cli");
    const url = "http://127.0.0.1:9";
    for (const args of [["search"], ["tail", "-f"], ["show", "main:0"], ["trails"], ["keys"]]) {
      const { code, stderr } = await runEvident(args, { cwd: directory.path, url });
      expect({ args, code }).toEqual({ args, code: errors.unreachable.exit });
      expect(stderr).toContain("evident serve");
    }
    const doctor = await runEvident(["doctor", "--data", "nowhere"], { cwd: directory.path, url });
    expect(doctor.code).toBe(1);
    expect(doctor.stdout.match(/^FAILED/gm)).toHaveLength(2);
  });
});
