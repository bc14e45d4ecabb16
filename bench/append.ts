import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "@evident/core";
import { type Ledger, openLedger } from "@evident/server";
import { type Benchmark, type BenchmarkContext, flagOf } from "./benchmark.ts";
import { DraftSource } from "./drafts.ts";
import { distributionOf, mebibytes, showMs, showSpread, spreadOf, startUsage, type Usage, whole } from "./measure.ts";
import { rawWrite } from "./raw-write.ts";

const TRAIL = "main";

interface Load {
  readonly entries: number;
  readonly batch: number;
  readonly writers: number;
  readonly singles: number;
}

/** One run on a store of its own. */
interface AppendRun {
  readonly usage: Usage;
  readonly entriesPerSecond: number;
  readonly bytes: number;
  readonly counters: ReturnType<Ledger["counters"]>;
  readonly recordBytes: readonly number[];
  readonly batchMs: readonly number[];
  readonly singleMs: readonly number[];
  /** How long after the last entry the checkpoint that covers it was there. */
  readonly publishedAfterMs: number;
  readonly closeMs: number;
}

/** Several writers, each appending its next batch when the one before is durable. */
async function appendAll(ledger: Ledger, source: DraftSource, load: Load): Promise<number[]> {
  const batchMs: number[] = [];
  let left = load.entries;
  const write = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(load.batch, left);
      left -= count;
      const drafts = source.take(count);
      const startedMs = performance.now();
      await ledger.append(TRAIL, drafts);
      batchMs.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: load.writers }, write));
  return batchMs;
}

/** One entry at a time, as from one quiet client. */
async function appendSingles(ledger: Ledger, source: DraftSource, count: number): Promise<number[]> {
  const singleMs: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const drafts = source.take(1);
    const startedMs = performance.now();
    await ledger.append(TRAIL, drafts);
    singleMs.push(performance.now() - startedMs);
  }
  return singleMs;
}

async function runOnce(directory: string, load: Load): Promise<AppendRun> {
  const dataDir = join(directory, "data");
  const recordBytes: number[] = [];
  let seenBytes = 0;
  let opened: Ledger | undefined;
  const ledger = await openLedger({
    dataDir,
    keysDir: `${dataDir}.keys`,
    version: "bench",
    onCommitted: () => {
      const { bytes = 0 } = opened?.counters() ?? {};
      recordBytes.push(bytes - seenBytes);
      seenBytes = bytes;
    },
  });
  opened = ledger;
  await ledger.createTrail({ name: TRAIL, tenant: "acme", by: "bench" });
  const source = new DraftSource(load.entries + load.singles);
  const before = ledger.counters();
  recordBytes.length = 0;
  seenBytes = before.bytes;
  const stop = startUsage();
  const batchMs = await appendAll(ledger, source, load);
  const usage = stop();
  const after = ledger.counters();
  const measured = recordBytes.slice();
  const publishingMs = performance.now();
  await ledger.waitPublished(TRAIL, load.entries);
  const publishedAfterMs = performance.now() - publishingMs;
  const singleMs = await appendSingles(ledger, source, load.singles);
  const closingMs = performance.now();
  await ledger.close();
  const closeMs = performance.now() - closingMs;
  rmSync(directory, { recursive: true });
  const difference = Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - before[name as keyof typeof before]]),
  ) as typeof after;
  return {
    usage,
    entriesPerSecond: (load.entries / usage.wallMs) * 1_000,
    bytes: after.bytes - before.bytes,
    counters: difference,
    recordBytes: measured,
    batchMs,
    singleMs,
    publishedAfterMs,
    closeMs,
  };
}

interface RawRun {
  readonly growingMs: number;
  readonly preparedMs: number;
}

function runRaw(directory: string, run: AppendRun): RawRun {
  const sample = utf8(
    new DraftSource(1_000)
      .take(1_000)
      .map(({ rest }) => rest)
      .join("\n"),
  );
  mkdirSync(directory, { recursive: true });
  const growingMs = rawWrite(directory, run.recordBytes, sample, false);
  const preparedMs = rawWrite(directory, run.recordBytes, sample, true);
  rmSync(directory, { recursive: true });
  return { growingMs, preparedMs };
}

function report(load: Load, runs: readonly (AppendRun & RawRun)[]): Awaited<ReturnType<Benchmark["run"]>> {
  const rate = spreadOf(runs.map(({ entriesPerSecond }) => entriesPerSecond));
  const bytesRate = spreadOf(runs.map(({ bytes, usage }) => mebibytes((bytes / usage.wallMs) * 1_000)));
  const growing = spreadOf(runs.map(({ growingMs, usage }) => usage.wallMs / growingMs));
  const prepared = spreadOf(runs.map(({ preparedMs, usage }) => usage.wallMs / preparedMs));
  const growingRate = spreadOf(runs.map(({ growingMs }) => (load.entries / growingMs) * 1_000));
  const batchMs = distributionOf(runs.flatMap((run) => run.batchMs));
  const singleMs = distributionOf(runs.flatMap((run) => run.singleMs));
  const perRecord = spreadOf(runs.map(({ counters }) => counters.entries / counters.commits));
  const fsyncs = spreadOf(runs.map(({ counters }) => counters.fsyncs));
  const publishes = spreadOf(runs.map(({ counters }) => counters.publishes));
  const publishedAfterMs = spreadOf(runs.map((run) => run.publishedAfterMs));
  const peakMiB = Math.max(...runs.map(({ usage }) => usage.peakMiB));
  const cores = spreadOf(runs.map(({ usage }) => usage.cores));
  return {
    rows: [
      ["append", `${showSpread(rate, "entries/s")}, ${bytesRate.median.toFixed(0)} MiB/s`],
      ["load", `${whole(load.entries)} entries in batches of ${load.batch} from ${load.writers} writers`],
      ["batch", `durable after ${showMs(batchMs)}`],
      ["one entry", load.singles === 0 ? "not measured" : `durable after ${showMs(singleMs)}`],
      [
        "records",
        `${whole(perRecord.median)} entries each; ${whole(fsyncs.median)} fsyncs a run, files prepared included`,
      ],
      [
        "checkpoints",
        `${whole(publishes.median)} a run; the last entry is under one after ${whole(publishedAfterMs.median)} ms`,
      ],
      [
        "plain write + fdatasync",
        `${showSpread(growingRate, "entries/s")}; ours takes ${growing.median.toFixed(2)} times as long (${prepared.median.toFixed(2)} over prepared zeros)`,
      ],
      [
        "processor",
        `${cores.median.toFixed(2)} cores; at most ${whole(peakMiB)} MiB resident, the load's own included`,
      ],
    ],
    data: {
      entriesPerSecond: rate,
      mebibytesPerSecond: bytesRate,
      batchMs,
      singleMs,
      entriesPerRecord: perRecord,
      fsyncs,
      publishes,
      publishedAfterMs,
      ratioToGrowingFile: growing,
      ratioToPreparedFile: prepared,
      peakMiB,
      each: runs.map(({ recordBytes: _r, batchMs: _b, singleMs: _s, ...run }) => run),
    },
  };
}

/** The ledger alone: no HTTP, no checks, no index. */
export const append: Benchmark = {
  name: "append",
  summary: "entries made durable by the ledger, straight through openLedger",
  about: [
    "Appends entries of about 650 bytes to a new store through openLedger: sequencing, leaf hashes, exact identities, signed and",
    "chained records, fdatasync, checkpoints once a second, segments sealed on the way. Entries are made before the clock starts.",
    "Baseline: the same bytes in the same batches by plain write and fdatasync, to a growing file and over prepared zeros.",
  ].join("\n"),
  flags: {
    entries: { default: 2_000_000, summary: "Entries a run." },
    batch: { default: 512, summary: "Entries in an append." },
    writers: { default: 16, summary: "Appends under way at the same time." },
    singles: { default: 500, summary: "Entries appended one at a time after the load." },
    warmup: { default: 200_000, summary: "Entries of the warm-up run." },
  },
  async run(context: BenchmarkContext) {
    const load: Load = {
      entries: flagOf(context, "entries"),
      batch: Math.max(1, flagOf(context, "batch")),
      writers: Math.max(1, flagOf(context, "writers")),
      singles: flagOf(context, "singles"),
    };
    const warmup = flagOf(context, "warmup");
    if (warmup > 0) {
      context.say(`warm-up with ${whole(warmup)} entries`);
      await runOnce(join(context.directory, "warm-up"), { ...load, entries: warmup, singles: 0 });
    }
    const runs: (AppendRun & RawRun)[] = [];
    for (let i = 0; i < context.runs; i += 1) {
      const run = await runOnce(join(context.directory, `run-${i}`), load);
      const raw = runRaw(join(context.directory, `raw-${i}`), run);
      runs.push({ ...run, ...raw });
      context.say(
        `run ${i + 1}: ${whole(run.entriesPerSecond)} entries/s, plain ${whole((load.entries / raw.growingMs) * 1_000)}`,
      );
    }
    return report(load, runs);
  },
};
