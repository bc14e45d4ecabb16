import { cpSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ledger, nodeFileSystem, verifyDirectory } from "@evident/server";
import {
  FaultyFileSystem,
  findBrokenPromises,
  makeDraft,
  makeRandom,
  makeTemporaryDirectory,
  openSmallLedger,
  type Seen,
  type SeenEntry,
} from "@evident/testkit";
import { describe, expect, it } from "vitest";

const isSoak = process.env.EVIDENT_SOAK === "1";
const seed = Number(process.env.EVIDENT_SEED ?? Math.trunc(Math.random() * 1_000_000));

const HOUR_MS = 3_600_000;

/** Files of the log under the name they were opened by: the first of an epoch is made in tmp/, the others as spares. */
const logFile = /\/(?:wal|tmp)\/\d{8}-\d{8}/;

const drafts = (label: string, count: number): readonly ReturnType<typeof makeDraft>[] =>
  Array.from({ length: count }, (_, i) => makeDraft(`${label}-${i}`));

async function appendSeen(ledger: Ledger, seen: SeenEntry[], label: string, count: number): Promise<void> {
  const results = await ledger.append("alpha", drafts(label, count));
  for (const [i, { index }] of results.entries()) seen.push({ trail: "alpha", id: `${label}-${i}`, index });
}

/** Opens the store again on a healthy disk and returns every broken promise; the store must verify after a clean stop. */
async function reopen(directory: string, seen: Seen): Promise<readonly string[]> {
  const ledger = await openSmallLedger(directory);
  let broken: readonly string[];
  try {
    broken = await findBrokenPromises(ledger, seen);
  } finally {
    await ledger.close();
  }
  const report = await verifyDirectory(join(directory, "data"), {});
  return [...broken, ...report.problems.map((problem) => JSON.stringify(problem))];
}

/** Ends a ledger that may have failed. */
async function end(ledger: Ledger | undefined): Promise<void> {
  await ledger?.close().catch(() => undefined);
}

describe("a disk that is full", () => {
  it("refuses new events with storage_full, keeps what it has taken, and goes on by itself", async () => {
    using directory = makeTemporaryDirectory("full");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const alarms: string[] = [];
    const ledger = await openSmallLedger(directory.path, {
      fileSystem: disk,
      onAlarm: ({ kind }) => alarms.push(kind),
    });
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    const seen: SeenEntry[] = [];
    await appendSeen(ledger, seen, "before", 10);
    const always = { nth: 1, how: "lost", error: "ENOSPC", times: Number.POSITIVE_INFINITY } as const;
    disk.fail({ ...always, call: "pwrite", path: /\.spare$/ });
    let waiting: Promise<void> = Promise.resolve();
    for (let batch = 0; ledger.pressure().kind !== "full"; batch += 1) {
      expect(batch).toBeLessThan(200);
      waiting = appendSeen(ledger, seen, `batch${batch}`, 100);
      await Promise.race([waiting, sleep(50)]);
    }
    await expect(ledger.append("alpha", drafts("refused", 1))).rejects.toMatchObject({ code: "storage_full" });
    expect(alarms).toEqual(["storage_full"]);
    disk.heal();
    await waiting;
    await appendSeen(ledger, seen, "after", 10);
    expect(ledger.pressure().kind).toBe("ready");
    await ledger.close();
    expect(await reopen(directory.path, { acknowledged: seen, heads: [] })).toEqual([]);
  });

  it("stores events although their checkpoint has no room, and publishes it once there is", async () => {
    using directory = makeTemporaryDirectory("full");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await openSmallLedger(directory.path, { fileSystem: disk });
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    const seen: SeenEntry[] = [];
    const always = { nth: 1, how: "lost", error: "ENOSPC", times: Number.POSITIVE_INFINITY } as const;
    disk.fail({ ...always, call: "pwrite", path: /\/tmp\/[0-9a-f]{24}$/ });
    await appendSeen(ledger, seen, "before", 10);
    await sleep(30);
    expect(ledger.published("alpha").size).toBe(0);
    disk.heal();
    expect((await ledger.waitPublished("alpha", 10, AbortSignal.timeout(5_000))).size).toBe(10);
    await ledger.close();
    expect(await reopen(directory.path, { acknowledged: seen, heads: [] })).toEqual([]);
  });
});

/** A wall clock that a test sets, beside a monotonic one that it moves on. */
class SteppingClock {
  wall = Date.parse("2026-03-01T12:00:00Z");
  monotonic = 1_000;

  readonly wallMs = (): number => this.wall;
  readonly monotonicMs = (): number => this.monotonic;

  /** Time passes on both. */
  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
}

async function receivedTimes(ledger: Ledger): Promise<readonly string[]> {
  const times: string[] = [];
  for await (const { entries } of ledger.entries("alpha", 0, ledger.trail("alpha")?.size ?? 0)) {
    for (const line of entries)
      times.push((JSON.parse(new TextDecoder().decode(line)) as { received: string }).received);
  }
  return times;
}

describe("a clock that steps", () => {
  for (const [direction, stepMs] of [
    ["back an hour", -3_600_000],
    ["forward a year", 365 * 86_400_000],
  ] as const) {
    it(`${direction} raises an alarm and never reorders, stops or poisons a trail`, async () => {
      using directory = makeTemporaryDirectory("clock");
      const clock = new SteppingClock();
      const alarms: string[] = [];
      const options = { clock, onAlarm: ({ kind }: { readonly kind: string }) => alarms.push(kind) };
      const ledger = await openSmallLedger(directory.path, options);
      await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
      await ledger.append("alpha", drafts("before", 2));
      clock.pass(1_000);
      clock.wall += stepMs;
      await ledger.append("alpha", drafts("after", 2));
      clock.pass(1_000);
      await ledger.append("alpha", drafts("later", 2));
      expect(alarms).toEqual(["clock_stepped"]);
      expect(ledger.clock().kind).toBe("holding");
      const times = await receivedTimes(ledger);
      expect(times).toEqual([...times].sort());
      const spanMs = Date.parse(times.at(-1) ?? "") - Date.parse(times[0] ?? "");
      expect(spanMs).toBeGreaterThanOrEqual(2_000);
      expect(spanMs).toBeLessThan(10_000);
      await ledger.confirmClock("test");
      expect(ledger.clock().kind).toBe("steady");
      await ledger.append("alpha", drafts("confirmed", 2));
      const all = await receivedTimes(ledger);
      expect(all).toEqual([...all].sort());
      await ledger.close();
      const report = await verifyDirectory(join(directory.path, "data"), {});
      expect(report.problems).toEqual([]);
    });
  }

  it("is not followed back over a restart", async () => {
    using directory = makeTemporaryDirectory("clock");
    const clock = new SteppingClock();
    const ledger = await openSmallLedger(directory.path, { clock });
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    await ledger.append("alpha", drafts("before", 2));
    await ledger.close();
    clock.wall -= 86_400_000;
    const again = await openSmallLedger(directory.path, { clock });
    await again.append("alpha", drafts("after", 2));
    const times = await receivedTimes(again);
    expect(times).toEqual([...times].sort());
    await again.close();
  });
});

describe("a log that cannot be written", () => {
  for (const call of ["pwrite", "fdatasync"] as const) {
    for (const how of ["lost", "applied"] as const) {
      it(`fails for good after EIO on ${call} (${how}), never tries again, and loses nothing acknowledged`, async () => {
        using directory = makeTemporaryDirectory("eio");
        const disk = new FaultyFileSystem(nodeFileSystem);
        const ledger = await openSmallLedger(directory.path, { fileSystem: disk });
        await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
        const seen: SeenEntry[] = [];
        await appendSeen(ledger, seen, "before", 10);
        disk.fail({ call, path: logFile, nth: 1, how });
        await expect(ledger.append("alpha", drafts("during", 5))).rejects.toMatchObject({ code: "storage_failed" });
        await expect(ledger.failed).resolves.toBeInstanceOf(Error);
        const logCalls = (): number => disk.count("pwrite", logFile) + disk.count("fdatasync", logFile);
        const calls = logCalls();
        await expect(ledger.append("alpha", drafts("after", 1))).rejects.toMatchObject({ code: "storage_failed" });
        expect(ledger.pressure().kind).toBe("full");
        await sleep(20);
        expect(logCalls()).toBe(calls);
        await end(ledger);
        expect(await reopen(directory.path, { acknowledged: seen, heads: [] })).toEqual([]);
      });
    }
  }
});

/** A store that was never stopped, its log's newest file, and where each record of that file begins. */
async function crashedStore(
  directory: string,
): Promise<{ readonly log: string; readonly starts: readonly number[]; readonly end: number }> {
  const ledger = await openSmallLedger(join(directory, "live"));
  await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
  for (let i = 0; i < 4; i += 1) await ledger.append("alpha", drafts(`r${i}`, 3));
  cpSync(join(directory, "live"), join(directory, "crashed"), { recursive: true });
  await ledger.close();
  const folder = join(directory, "crashed", "data", "wal");
  const log = join(
    folder,
    readdirSync(folder)
      .filter((name) => /^\d{8}-\d{8}$/.test(name))
      .sort()
      .at(-1) ?? "",
  );
  const bytes = readFileSync(log);
  const starts: number[] = [];
  let at = 0;
  while (bytes.subarray(at, at + 5).toString() === "EVWAL") {
    starts.push(at);
    at += 16 + bytes.readUInt32BE(at + 8) + bytes.readUInt32BE(at + 12) + 64;
  }
  return { log, starts, end: at };
}

describe("a log after a crash", () => {
  it(
    "is recovered wherever its last record was torn",
    async () => {
      using directory = makeTemporaryDirectory("torn", { memory: true });
      const { log, starts, end: logEnd } = await crashedStore(directory.path);
      const last = starts.at(-1) ?? 0;
      const original = readFileSync(log);
      const stride = isSoak ? 1 : Math.ceil((logEnd - last) / 6);
      for (let cut = last; cut < logEnd; cut += stride) {
        for (const zeroed of [true, false]) {
          using copy = makeTemporaryDirectory("torn", { memory: true });
          cpSync(join(directory.path, "crashed"), copy.path, { recursive: true });
          const file = log.replace(join(directory.path, "crashed"), copy.path);
          if (zeroed)
            writeFileSync(file, Buffer.concat([original.subarray(0, cut), Buffer.alloc(original.length - cut)]));
          else truncateSync(file, cut);
          const ledger = await openSmallLedger(copy.path);
          expect(ledger.trail("alpha")?.size).toBe(9);
          await ledger.close();
        }
      }
    },
    HOUR_MS,
  );

  it(
    "is refused when a byte before a valid record is wrong",
    async () => {
      using directory = makeTemporaryDirectory("corrupt", { memory: true });
      const { log, starts } = await crashedStore(directory.path);
      const original = readFileSync(log);
      const random = makeRandom(seed);
      const last = starts.at(-1) ?? 0;
      for (let i = 0; i < (isSoak ? 500 : 12); i += 1) {
        using copy = makeTemporaryDirectory("corrupt", { memory: true });
        cpSync(join(directory.path, "crashed"), copy.path, { recursive: true });
        const changed = Buffer.from(original);
        const at = Math.floor(random() * last);
        changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 8));
        writeFileSync(log.replace(join(directory.path, "crashed"), copy.path), changed);
        await expect(openSmallLedger(copy.path), `byte ${at}`).rejects.toMatchObject({ code: "corrupt_store" });
      }
      expect(statSync(log).size).toBe(original.length);
    },
    HOUR_MS,
  );
});
