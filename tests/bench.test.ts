import { spawnSync } from "node:child_process";
import { existsSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";

const runFile = join(import.meta.dirname, "../bench/run.ts");

function bench(...args: readonly string[]): {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [runFile, ...args], { encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

const memoryDirectory = "/dev/shm";
const hasMemoryDirectory = existsSync(memoryDirectory) && statfsSync(memoryDirectory).type === 0x01021994;

describe("npm run bench", () => {
  it("lists its benchmarks, and the flags of each", () => {
    expect(bench("--help")).toMatchObject({ code: 0, out: expect.stringContaining("append") });
    expect(bench("append", "--help")).toMatchObject({ code: 0, out: expect.stringContaining("--writers N") });
  });

  it("names the fix of a wrong call", () => {
    expect(bench("apend")).toMatchObject({ code: 2, err: expect.stringContaining("append, ") });
    expect(bench("append", "--entries", "many")).toMatchObject({
      code: 2,
      err: expect.stringContaining("whole number"),
    });
    expect(bench("append", "--entires", "5")).toMatchObject({ code: 2, err: expect.stringContaining("--help") });
  });

  it.skipIf(!hasMemoryDirectory)("refuses a directory in memory", () => {
    expect(bench("append", "--dir", memoryDirectory)).toMatchObject({
      code: 2,
      err: expect.stringContaining("--dir DIR"),
    });
  });

  it("measures appends beside a plain write, and says where", () => {
    using directory = makeTemporaryDirectory("bench");
    const flags = ["--entries", "3000", "--warmup", "500", "--singles", "5", "--runs", "2", "--json", "-"];
    const { code, out } = bench("append", "--dir", directory.path, ...flags);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      benchmark: "append",
      machine: { node: process.version, cores: expect.any(Number), syncMs: { p50: expect.any(Number) } },
      entriesPerSecond: { median: expect.any(Number) },
      ratioToGrowingFile: { median: expect.any(Number) },
      batchMs: { count: 12 },
      each: [{ counters: { entries: 3_000 } }, { counters: { entries: 3_000 } }],
    });
  });

  it("measures the verifier in a process of its own", () => {
    using directory = makeTemporaryDirectory("bench");
    const { code, out } = bench("verify", "--dir", directory.path, "--entries", "1000", "--runs", "1", "--json", "-");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      each: [{ verdict: "verified" }],
      ratioToAllCores: { least: expect.any(Number) },
    });
  });

  it("measures exports beside a plain copy", () => {
    using directory = makeTemporaryDirectory("bench");
    const { code, out } = bench("export", "--dir", directory.path, "--events", "1000", "--runs", "1", "--json", "-");
    expect(code).toBe(0);
    const { formats } = JSON.parse(out) as { formats: readonly { format: string; ratioToCopy: { median: number } }[] };
    expect(formats.map(({ format }) => format)).toEqual(["ndjson", "csv", "ocsf", "parquet"]);
    expect(formats.every(({ ratioToCopy }) => ratioToCopy.median > 0)).toBe(true);
  });

  it("measures the index beside a scan, and finds what it asks for", () => {
    using directory = makeTemporaryDirectory("bench");
    const flags = ["--events", "5000", "--scan", "500", "--warm", "2", "--runs", "1", "--json", "-"];
    const { code, out } = bench("search", "--dir", directory.path, ...flags);
    expect(code).toBe(0);
    const { kinds } = JSON.parse(out) as { kinds: readonly { name: string; found: number }[] };
    const found = Object.fromEntries(kinds.map((kind) => [kind.name, kind.found]));
    expect(found).toMatchObject({ "newest 50 of everything": 50, "request id": 1, "hour by status, 90 days": 5_000 });
    expect(found["nothing matches"]).toBe(0);
  });

  it("measures the SDK beside a bare write, as it is packed", () => {
    using directory = makeTemporaryDirectory("bench");
    const flags = ["--events", "2000", "--warmup", "200", "--runs", "1", "--json", "-"];
    const { code, out } = bench("sdk", "--dir", directory.path, ...flags);
    expect(code).toBe(0);
    const { each, ratio } = JSON.parse(out) as {
      each: readonly { stored: number; record: object }[];
      ratio: { median: number };
    };
    expect(each).toMatchObject([{ record: { count: 2_000, p99: expect.any(Number) }, bare: { count: 2_000 } }]);
    // Warm-up and both ways to record, and the heartbeats at the beginning and the end.
    expect(each[0]?.stored).toBe(2 * 2_200 + 2);
    expect(ratio.median).toBeGreaterThan(0);
  });
});
