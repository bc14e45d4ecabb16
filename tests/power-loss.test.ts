import { existsSync } from "node:fs";
import { join } from "node:path";
import { type FileSystem, type OpenFile, verifyDirectory } from "@evident/server";
import {
  DiskModel,
  findBrokenPromises,
  makeDraft,
  makeRandom,
  makeTemporaryDirectory,
  openSmallLedger,
  type RecordedRun,
  recordRun,
  type Seen,
  type Survival,
  seenAfter,
  type WatchedLedger,
  withBlob,
  writeImage,
  writeKeys,
} from "@evident/testkit";
import { describe, expect, it } from "vitest";

const isSoak = process.env.EVIDENT_SOAK === "1";
const seed = Number(process.env.EVIDENT_SEED ?? Math.trunc(Math.random() * 1_000_000));
const HOUR_MS = 3_600_000;
const survivals: readonly Survival[] = ["lost", "kept", "names", "sized", "reordered"];

/** Concurrent appends to two trails while one is sealed and the other's keys are rotated. */
async function work(watched: WatchedLedger, label: string): Promise<void> {
  const { ledger } = watched;
  const write = async (trail: string, name: string, batches: number, entries: number): Promise<void> => {
    for (let batch = 0; batch < batches; batch += 1) {
      const ids = Array.from({ length: entries }, (_, i) => `${label}-${trail}-${name}-${batch}-${i}`);
      await watched.append(trail, ids);
    }
  };
  await Promise.all([write("alpha", "a", 10, 30), write("beta", "b", 8, 5), write("alpha", "c", 6, 1)]);
  await ledger.waitPublished("alpha", ledger.trail("alpha")?.size ?? 0);
  await Promise.all([ledger.seal("alpha", { tail: true }), write("beta", "d", 4, 3)]);
  await ledger.rotateKeys("beta", "test");
  await Promise.all([write("alpha", "e", 3, 2), ledger.seal("beta", { tail: true })]);
  await Promise.all([write("beta", "f", 3, 1), ledger.rotateKeys("evident", "test")]);
  await ledger.append("alpha", [withBlob(makeDraft(`${label}-blob`), new Uint8Array([1, 2, 3]))]);
}

async function firstRun(watched: WatchedLedger): Promise<void> {
  await watched.ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
  await watched.ledger.createTrail({ name: "beta", tenant: "acme", by: "test" });
  await work(watched, "first");
  await watched.ledger.close();
}

interface Cut {
  readonly at: number;
  readonly survival: Survival;
}

/**
 * Every cut worth trying: a killed process at every step (all writes survive it), a power cut before each barrier, when most is
 * pending, and after each promise, when it must hold.
 */
function allCuts({ steps, adopted }: RecordedRun): readonly Cut[] {
  const cuts: Cut[] = [];
  for (let at = adopted; at <= steps.length; at += 1) {
    const next = steps[at]?.kind;
    const isBarrier = next === "syncFile" || next === "syncDirectory";
    const isPromise = steps[at - 1]?.kind === "mark" && next !== "mark";
    if (isBarrier || isPromise || next === undefined) cuts.push(...survivals.map((survival) => ({ at, survival })));
    else if (next !== "mark") cuts.push({ at, survival: "kept" });
  }
  return cuts;
}

/** All cuts of a run, or a spread of `limit` of them that begins elsewhere with each seed. */
function chooseCuts(run: RecordedRun, limit: number, random: () => number): readonly Cut[] {
  const all = allCuts(run);
  if (all.length <= limit) return all;
  const stride = all.length / limit;
  const start = random() * stride;
  return Array.from({ length: limit }, (_, i) => all[Math.floor(start + i * stride)]).filter(
    (cut) => cut !== undefined,
  );
}

/** Calls `use` with a new directory that holds what each cut leaves. */
async function replay(
  run: RecordedRun,
  cuts: readonly Cut[],
  use: (directory: string, cut: Cut) => Promise<void>,
): Promise<void> {
  const model = new DiskModel();
  let done = 0;
  for (const cut of cuts) {
    for (const step of run.steps.slice(done, cut.at)) model.apply(step);
    done = cut.at;
    using directory = makeTemporaryDirectory("replay", { memory: true });
    writeImage(model.image(cut.survival, makeRandom(seed + cut.at)), join(directory.path, "data"));
    writeKeys(run, cut.at, join(directory.path, "data.keys"));
    await use(directory.path, cut);
  }
}

/**
 * What is wrong with a store as a power cut left it. A torn record and an unfinished change of keys may be there; where the cut came
 * between the last checkpoint and the closing record, its absence is reported (docs/decisions/0004).
 */
async function inspect(directory: string): Promise<readonly string[]> {
  // The first keys are made known once the first entries are durable: before that there is no store.
  if (!existsSync(join(directory, "data.keys", "trails.json"))) return [];
  const { problems } = await verifyDirectory(join(directory, "data"), {});
  const wrong = problems.filter(
    ({ severity, detail }) => severity === "failed" && !detail.includes("the log has no closing record"),
  );
  return wrong.map((problem) => `as it was left: ${JSON.stringify(problem)}`);
}

/** Verifies a store as it was left, recovers it, compares it with what the outside has seen, stores one more entry, stops and verifies. */
async function recover(directory: string, seen: Seen): Promise<readonly string[]> {
  const left = await inspect(directory);
  const ledger = await openSmallLedger(directory);
  let broken: readonly string[];
  try {
    broken = await findBrokenPromises(ledger, seen);
    if (ledger.trail("alpha") !== undefined) await ledger.append("alpha", [makeDraft("after-the-cut")]);
  } finally {
    await ledger.close();
  }
  const report = await verifyDirectory(join(directory, "data"), {});
  const problems = report.problems.map(({ trail, index, kind, detail }) => `${trail} ${index} ${kind}: ${detail}`);
  return report.verdict === "verified"
    ? [...left, ...broken]
    : [...left, ...broken, `verify: ${report.verdict}`, ...problems];
}

/** Recovers after each cut and returns what broke, named by the cut. `before`: what was seen before the run. */
async function findBroken(
  run: RecordedRun,
  cuts: readonly Cut[],
  before: Seen = { acknowledged: [], heads: [] },
): Promise<readonly string[]> {
  const broken: string[] = [];
  await replay(run, cuts, async (directory, cut) => {
    const name = `seed ${seed}, cut at step ${cut.at} of ${run.steps.length}, ${cut.survival}`;
    const seen = seenAfter(run, cut.at);
    const both: Seen = {
      acknowledged: [...before.acknowledged, ...seen.acknowledged],
      heads: [...before.heads, ...seen.heads],
    };
    try {
      broken.push(...(await recover(directory, both)).map((each) => `${name}: ${each}`));
    } catch (error) {
      broken.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  });
  return broken;
}

/** A disk that leaves one kind of barrier out, as if the call were taken out of the code. */
function without(barrier: "fdatasync" | "fsync" | "syncDirectory", disk: FileSystem): FileSystem {
  const isSkipped = (call: string): boolean => call === barrier;
  return {
    async open(path, access): Promise<OpenFile> {
      const file = await disk.open(path, access);
      return {
        pwrite: (bytes, offset) => file.pwrite(bytes, offset),
        pread: (into, offset) => file.pread(into, offset),
        fdatasync: () => (isSkipped("fdatasync") ? Promise.resolve() : file.fdatasync()),
        fsync: () => (isSkipped("fsync") ? Promise.resolve() : file.fsync()),
        truncate: (sizeBytes) => file.truncate(sizeBytes),
        chmod: (mode) => file.chmod(mode),
        sizeBytes: () => file.sizeBytes(),
        close: () => file.close(),
      };
    },
    rename: (from, to) => disk.rename(from, to),
    unlink: (path) => disk.unlink(path),
    mkdir: (path) => disk.mkdir(path),
    rmdir: (path) => disk.rmdir(path),
    readdir: (path) => disk.readdir(path),
    stat: (path) => disk.stat(path),
    syncDirectory: (path) => (isSkipped("syncDirectory") ? Promise.resolve() : disk.syncDirectory(path)),
  };
}

describe(`power loss (seed ${seed})`, () => {
  it(
    "loses nothing acknowledged, doubles nothing and signs no second root, whatever the disk kept",
    async () => {
      using directory = makeTemporaryDirectory("recorded");
      const run = await recordRun(directory.path, firstRun);
      expect(seenAfter(run, run.steps.length).acknowledged.length).toBeGreaterThan(300);
      const cuts = chooseCuts(run, isSoak ? Number.POSITIVE_INFINITY : 120, makeRandom(seed));
      expect(await findBroken(run, cuts)).toEqual([]);
    },
    HOUR_MS,
  );

  it(
    "holds when the recovery from a power cut is itself cut off",
    async () => {
      using directory = makeTemporaryDirectory("recorded");
      const random = makeRandom(seed);
      const run = await recordRun(directory.path, firstRun);
      await replay(run, chooseCuts(run, isSoak ? 200 : 3, random), async (cutDirectory, cut) => {
        const again = await recordRun(cutDirectory, async (watched) => {
          if (watched.ledger.trail("alpha") !== undefined) await watched.append("alpha", ["second-1", "second-2"]);
          await watched.ledger.close();
        });
        const cuts = chooseCuts(again, isSoak ? 40 : 8, random);
        expect(await findBroken(again, cuts, seenAfter(run, cut.at))).toEqual([]);
      });
    },
    HOUR_MS,
  );

  it("notices when fdatasync is taken out of the commit: what was acknowledged is gone", async () => {
    using directory = makeTemporaryDirectory("recorded");
    const run = await recordRun(directory.path, firstRun, (disk) => without("fdatasync", disk));
    const cuts = chooseCuts(run, 40, makeRandom(seed)).map(({ at }): Cut => ({ at, survival: "lost" }));
    const broken = await findBroken(run, cuts);
    expect(broken.filter((each) => each.includes("was acknowledged at")).length).toBeGreaterThan(0);
  });

  for (const barrier of ["fsync", "syncDirectory"] as const) {
    it(`notices when ${barrier} is taken out of publishing and sealing`, async () => {
      using directory = makeTemporaryDirectory("recorded");
      const run = await recordRun(directory.path, firstRun, (disk) => without(barrier, disk));
      const cuts = chooseCuts(run, 40, makeRandom(seed)).map(({ at }, i): Cut => {
        return { at, survival: i % 2 === 0 ? "lost" : "names" };
      });
      expect((await findBroken(run, cuts)).length).toBeGreaterThan(0);
    });
  }
});
