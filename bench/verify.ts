import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openLedger, type VerifyReport, verifyDirectory } from "@evident/server";
import { type Benchmark, type BenchmarkContext, flagOf } from "./benchmark.ts";
import { type ChildTask, startChild } from "./child-process.ts";
import { DraftSource } from "./drafts.ts";
import { mebibytes, showSpread, spreadOf, startUsage, type Usage, whole } from "./measure.ts";
import { rawHash } from "./raw-hash.ts";

const TRAIL = "main";
const BATCH = 1_024;

interface Made {
  readonly keys: readonly string[];
  readonly entryBytes: number;
}

async function makeStore(dataDir: string, entries: number, sealed: boolean): Promise<Made> {
  const ledger = await openLedger({ dataDir, keysDir: `${dataDir}.keys`, version: "bench" });
  await ledger.createTrail({ name: TRAIL, tenant: "acme", by: "bench" });
  const source = new DraftSource(entries);
  let entryBytes = 0;
  let waiting: Promise<unknown> = Promise.resolve();
  for (let at = 0; at < entries; at += BATCH) {
    const before = waiting;
    waiting = ledger.append(TRAIL, source.take(Math.min(BATCH, entries - at)));
    await before;
  }
  await waiting;
  if (sealed) await ledger.seal(TRAIL, { tail: true });
  for (const { name, size } of ledger.trails()) {
    for await (const chunk of ledger.entries(name, 0, size))
      for (const entry of chunk.entries) entryBytes += entry.length;
  }
  const keys = ledger.trail("evident")?.genesis ?? [];
  await ledger.close();
  return { keys, entryBytes };
}

interface VerifyInput {
  readonly dataDir: string;
  readonly keys: readonly string[];
  readonly workers: number;
}

interface VerifyRun {
  readonly usage: Usage;
  readonly entries: number;
  readonly verdict: VerifyReport["verdict"];
}

/** The measured process: `verifyDirectory` once, its start of threads included, that of the process not. */
export const verifyTask: ChildTask = async (text): Promise<VerifyRun> => {
  const { dataDir, keys, workers } = JSON.parse(text) as VerifyInput;
  const stop = startUsage();
  const { verdict, entries, problems } = await verifyDirectory(dataDir, { keys, workers });
  const usage = stop();
  if (verdict !== "verified") throw new Error(`the store is ${verdict}: ${JSON.stringify(problems.slice(0, 5))}`);
  return { usage, entries, verdict };
};

interface Compared extends VerifyRun {
  readonly oneCoreMs: number;
  readonly allCoresMs: number;
}

function report(runs: readonly Compared[], made: Made, workers: number): Awaited<ReturnType<Benchmark["run"]>> {
  const rate = spreadOf(runs.map(({ entries, usage }) => (entries / usage.wallMs) * 1_000));
  const bytesRate = spreadOf(runs.map(({ usage }) => mebibytes((made.entryBytes / usage.wallMs) * 1_000)));
  const ratioAll = spreadOf(runs.map(({ usage, allCoresMs }) => usage.wallMs / allCoresMs));
  const ratioOne = spreadOf(runs.map(({ usage, oneCoreMs }) => usage.wallMs / oneCoreMs));
  const plain = spreadOf(runs.map(({ oneCoreMs }) => mebibytes((made.entryBytes / oneCoreMs) * 1_000)));
  const cores = spreadOf(runs.map(({ usage }) => usage.cores));
  const peakMiB = Math.max(...runs.map(({ usage }) => usage.peakMiB));
  return {
    rows: [
      ["verify", `${showSpread(rate, "entries/s")}, ${bytesRate.median.toFixed(0)} MiB/s of entries`],
      [
        "store",
        `${whole(runs[0]?.entries ?? 0)} entries of all trails, ${whole(mebibytes(made.entryBytes))} MiB; in the page cache`,
      ],
      [
        "plain SHA-256",
        `${plain.median.toFixed(0)} MiB/s on one core; ours takes ${ratioAll.median.toFixed(2)} times as long as ${workers} cores hashing, ${ratioOne.median.toFixed(2)} times one`,
      ],
      ["processor", `${workers} threads, ${cores.median.toFixed(2)} cores; at most ${whole(peakMiB)} MiB resident`],
    ],
    data: {
      entriesPerSecond: rate,
      mebibytesPerSecond: bytesRate,
      workers,
      entryBytes: made.entryBytes,
      plainMebibytesPerSecond: plain,
      ratioToAllCores: ratioAll,
      ratioToOneCore: ratioOne,
      peakMiB,
      each: runs,
    },
  };
}

/** The verifier over a data directory. */
export const verify: Benchmark = {
  name: "verify",
  summary: "a stopped store verified from its bytes, in a process of its own",
  about: [
    "Makes a store, stops it, and runs verifyDirectory over it in another process with the genesis keys and no remembered heads: every",
    "entry against the tree, tiles, signatures, log and segments. Baseline: SHA-256 over as many bytes in memory, on one and on all cores.",
  ].join("\n"),
  flags: {
    entries: { default: 2_000_000, summary: "Entries of the store." },
    workers: { default: availableParallelism(), summary: "Threads of the verifier; as many as there are cores." },
    sealed: { default: 1, summary: "1: the entries are in segments. 0: in the log where no segment is due yet." },
  },
  async run(context: BenchmarkContext) {
    const dataDir = join(context.directory, "data");
    const workers = Math.max(1, flagOf(context, "workers"));
    context.say("making the store");
    const made = await makeStore(dataDir, flagOf(context, "entries"), flagOf(context, "sealed") === 1);
    const input: VerifyInput = { dataDir, keys: made.keys, workers };
    context.say("warm-up");
    await startChild<VerifyRun>("verify", input).result;
    const runs: Compared[] = [];
    for (let i = 0; i < context.runs; i += 1) {
      const run = await startChild<VerifyRun>("verify", input).result;
      const oneCoreMs = await rawHash(made.entryBytes, 1);
      const allCoresMs = await rawHash(made.entryBytes, workers);
      runs.push({ ...run, oneCoreMs, allCoresMs });
      context.say(`run ${i + 1}: ${whole((run.entries / run.usage.wallMs) * 1_000)} entries/s`);
    }
    return report(runs, made, workers);
  },
};
