import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ledger, openLedger } from "@evident/server";
import { makeDraft, makeTemporaryDirectory } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportLog } from "./interop/export-log.ts";

const go = process.env.GO ?? "go";
const hasGo = spawnSync(go, ["version"]).status === 0;
if (!hasGo) process.stderr.write("tests/interop.test.ts is skipped: it needs Go (https://go.dev/dl).\n");

const directory = makeTemporaryDirectory("interop");
const program = join(directory.path, "interop");
const log = join(directory.path, "log");
const batchEntries = 4_096;

function build(): void {
  const env = { ...process.env, GOFLAGS: "-buildvcs=false", GOWORK: "off", CGO_ENABLED: "0" };
  execFileSync(go, ["build", "-o", program, "."], { cwd: join(import.meta.dirname, "interop"), env });
}

function runGo(path: string): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(program, [path], { encoding: "utf8" });
  return { code: status, stdout, stderr };
}

function open(): Promise<Ledger> {
  const dataDir = join(directory.path, "data");
  return openLedger({ dataDir, keysDir: `${dataDir}.keys`, version: "test", publishIntervalMs: 10 });
}

/** Grows a trail through the sizes and returns the checkpoint of each. */
async function growTo(ledger: Ledger, sizes: readonly number[]): Promise<[number, Uint8Array][]> {
  const checkpoints: [number, Uint8Array][] = [];
  let at = ledger.trail("alpha")?.size ?? 0;
  for (const size of sizes) {
    while (at < size) {
      const count = Math.min(batchEntries, size - at);
      const first = at;
      await ledger.append(
        "alpha",
        Array.from({ length: count }, (_, i) => makeDraft(`entry-${first + i}`)),
      );
      at += count;
    }
    const { note } = await ledger.waitPublished("alpha", size);
    checkpoints.push([size, note]);
  }
  return checkpoints;
}

/** A trail stored across a seal, a restart and a rotation of its keys, with a checkpoint at every size of interest. */
async function makeLog(): Promise<void> {
  const first = await open();
  await first.createTrail({ name: "alpha", tenant: "acme", by: "test" });
  const early = await growTo(first, [0, 1, 255, 256, 257, 65_535, 65_536]);
  await first.seal("alpha", { tail: false });
  await first.close();
  const second = await open();
  const late = await growTo(second, [65_537]);
  await second.rotateKeys("alpha", "test");
  const last = await growTo(second, [65_538]);
  const checkpoints = new Map([...early, ...late, ...last]);
  const receipts = [0, 1, 255, 256, 257, 32_768, 65_535, 65_536, 65_537];
  await exportLog({ ledger: second, trail: "alpha", directory: log, checkpoints, receipts });
  await second.close();
}

describe.skipIf(!hasGo)("Go's sumdb/note and sumdb/tlog, unmodified", () => {
  beforeAll(async () => {
    build();
    await makeLog();
  });
  afterAll(() => directory[Symbol.dispose]());

  it("verify checkpoints, tiles, bundles and proofs of our trail at every size of interest", () => {
    const { code, stdout, stderr } = runGo(log);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      checkpoints: 9,
      rotations: 1,
      entries: 1 + 255 + 256 + 257 + 65_535 + 65_536 + 65_537 + 65_538,
      receipts: 9,
      consistency: 28,
    });
  });

  const tampered: readonly (readonly [file: string, at: number, problem: RegExp])[] = [
    ["checkpoint", 40, /checkpoint: /],
    ["rotations/65537.note", 10, /65537\.note: /],
    ["tile/0/000", 100, /size 256: tile\/0\/000/],
    ["tile/0/255", 8_191, /tile\/0\/255/],
    ["tile/1/000", 0, /size 65536: tile\/1\/000/],
    ["tile/2/000.p/1", 31, /size 65536: tile\/2\/000\.p\/1/],
    ["tile/entries/000.p/1", 20, /size 1: the entries give the root/],
    ["tile/entries/255", 500, /size 65536: the entries give the root/],
    ["proofs/256.tlog-proof", 60, /256\.tlog-proof/],
    ["consistency/256-65537", 3, /consistency\/256-65537/],
  ];

  it.each(tampered)("reject a flipped bit in %s", (file, at, problem) => {
    const original = readFileSync(join(log, file));
    const changed = Buffer.from(original);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(join(log, file), changed);
    try {
      const { code, stderr } = runGo(log);
      expect(stderr).toMatch(problem);
      expect(code).toBe(1);
    } finally {
      writeFileSync(join(log, file), original);
    }
  });

  it("reject the checkpoint of another log", async () => {
    const other = join(directory.path, "other");
    cpSync(log, other, { recursive: true });
    const ledger = await open();
    try {
      writeFileSync(join(other, "checkpoint"), ledger.published("evident").note);
    } finally {
      await ledger.close();
    }
    expect(runGo(other)).toMatchObject({ code: 1, stderr: expect.stringContaining("checkpoint: ") });
  });
});
