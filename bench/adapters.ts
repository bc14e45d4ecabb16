import {
  type Adapter,
  AdaptStream,
  adapters as allAdapters,
  firstKey,
  frameInput,
  toSubmission,
} from "@evident/server";
import { type Benchmark, type BenchmarkContext, type BenchmarkResult, flagOf } from "./benchmark.ts";
import { type Distribution, distributionOf, mebibytes, showSpread, spreadOf, whole } from "./measure.ts";
import { type MakeRecord, nativeRecords } from "./native-records.ts";

const BATCH = 1_000;
const LINE_BYTES = 1 << 20;
/** Goals of the design: of web logs, and of records as large as CloudTrail's. */
const goals: Readonly<Record<string, number>> = { combined: 60_000, apache: 60_000, nginx: 60_000, cloudtrail: 25_000 };

/** Batches of records as they come from a file, and as long JSON objects in lines. */
interface Input {
  readonly batches: readonly Buffer[];
  readonly plain: readonly (readonly string[])[];
  readonly bytes: number;
}

/** A JSON object of about as many bytes, with eight members. */
function plainLine(record: string): string {
  if (record.startsWith("{")) return record;
  const step = Math.max(1, Math.ceil((record.length - 60) / 8));
  const members = Array.from({ length: 8 }, (_, at) => [`m${at}`, record.slice(at * step, (at + 1) * step)]);
  return JSON.stringify(Object.fromEntries(members));
}

function makeInput(make: MakeRecord, records: number): Input {
  const batches: Buffer[] = [];
  const plain: string[][] = [];
  let bytes = 0;
  for (let at = 0; at < records; at += BATCH) {
    const lines = Array.from({ length: Math.min(BATCH, records - at) }, (_, index) => make(at + index));
    const batch = Buffer.from(`${lines.join("\n")}\n`);
    batches.push(batch);
    bytes += batch.length;
    plain.push(lines.map(plainLine));
  }
  return { batches, plain, bytes };
}

interface AdapterRun {
  readonly recordsPerSecond: number;
  /** Processor time of the whole process, its collector's threads included. */
  readonly cpuMs: number;
  readonly batchMs: readonly number[];
  readonly events: number;
  readonly outBytes: number;
}

/** From the bytes of a file to the lines that are submitted. */
async function adaptAll(adapter: Adapter, { batches }: Input, records: number): Promise<AdapterRun> {
  const stream = new AdaptStream({
    adapters: [adapter],
    optionsOf: () => ({}),
    context: { nowMs: () => 1_800_000_000_000 },
    source: "bench",
    key: firstKey(""),
  });
  const batchMs: number[] = [];
  let events = 0;
  let outBytes = 0;
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    yield* batches;
  };
  const cpu = startCpu();
  const startedMs = performance.now();
  let beforeMs = startedMs;
  let taken = 0;
  for await (const lines of frameInput(pieces(), [adapter.framing], LINE_BYTES)) {
    for (const reading of stream.take(lines)) {
      if (reading.kind === "event") events += 1;
      outBytes += toSubmission(reading)?.length ?? 0;
    }
    taken += lines.length;
    // Long records come in smaller batches: the time of about a thousand is counted.
    if (taken < BATCH) continue;
    const nowMs = performance.now();
    batchMs.push(((nowMs - beforeMs) * BATCH) / taken);
    beforeMs = nowMs;
    taken = 0;
  }
  stream.end();
  const recordsPerSecond = (records / (performance.now() - startedMs)) * 1_000;
  return { recordsPerSecond, cpuMs: cpu(), batchMs, events, outBytes };
}

function startCpu(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
}

function parseAll({ plain }: Input): number {
  const cpu = startCpu();
  for (const batch of plain) for (const line of batch) JSON.parse(line);
  return cpu();
}

interface Measured {
  readonly name: string;
  readonly recordBytes: number;
  readonly eventBytes: number;
  readonly rate: ReturnType<typeof spreadOf>;
  readonly perCore: ReturnType<typeof spreadOf>;
  readonly ratio: ReturnType<typeof spreadOf>;
  readonly batchMs: Distribution;
  readonly mebibytesPerSecond: number;
}

async function measure(adapter: Adapter, make: MakeRecord, context: BenchmarkContext): Promise<Measured> {
  const records = flagOf(context, "records");
  const input = makeInput(make, records);
  await adaptAll(adapter, input, records);
  parseAll(input);
  const runs: (AdapterRun & { readonly ratio: number })[] = [];
  for (let i = 0; i < context.runs; i += 1) {
    const run = await adaptAll(adapter, input, records);
    if (run.events !== records) throw new Error(`${adapter.name} made ${run.events} events of ${records} records`);
    runs.push({ ...run, ratio: run.cpuMs / parseAll(input) });
  }
  const rate = spreadOf(runs.map(({ recordsPerSecond }) => recordsPerSecond));
  const perCore = spreadOf(runs.map(({ cpuMs }) => (records / cpuMs) * 1_000));
  context.say(`${adapter.name}: ${showSpread(perCore, "records a second of one core")}`);
  return {
    name: adapter.name,
    recordBytes: Math.round(input.bytes / records),
    eventBytes: Math.round((runs[0]?.outBytes ?? 0) / records),
    rate,
    perCore,
    ratio: spreadOf(runs.map(({ ratio }) => ratio)),
    batchMs: distributionOf(runs.flatMap(({ batchMs }) => batchMs)),
    mebibytesPerSecond: mebibytes((input.bytes / records) * rate.median),
  };
}

function report(measured: readonly Measured[]): BenchmarkResult {
  const rows = measured.map(({ name, recordBytes, eventBytes, rate, perCore, ratio, batchMs }) => {
    const goal = goals[name] === undefined ? "" : `, goal ${whole(goals[name])}`;
    const batch = `1,000 in p50 ${batchMs.p50.toFixed(1)}, p99 ${batchMs.p99.toFixed(1)} ms`;
    const sizes = `${recordBytes} B to ${eventBytes} B`;
    return [
      name,
      `${showSpread(perCore, "records a second of one core")}${goal}; ${whole(rate.median)}/s by the clock; ${batch}; ${sizes}; ${ratio.median.toFixed(1)} × JSON.parse`,
    ] as const;
  });
  return { rows, data: { adapters: measured } };
}

/** The adapters, from a file's bytes to submitted lines. */
export const adapters: Benchmark = {
  name: "adapters",
  summary: "native records read by each adapter, from the bytes of a file to the lines that are submitted",
  about: [
    "Made-up records of each source, framed, read, tidied and written as events, on one core and without a server. Baseline: JSON.parse of",
    "as many lines of the same length (of the same lines where they are JSON), in the same run.",
  ].join("\n"),
  flags: {
    records: { default: 100_000, summary: "Records of each source." },
    only: { default: 0, summary: "Number of the one adapter to measure, in order of names from 1; 0 for all." },
  },
  async run(context) {
    const only = flagOf(context, "only");
    const known = allAdapters.filter(({ name }) => Object.hasOwn(nativeRecords, name));
    const measured: Measured[] = [];
    for (const [index, adapter] of known.entries()) {
      const make = nativeRecords[adapter.name];
      if (make !== undefined && (only === 0 || only === index + 1))
        measured.push(await measure(adapter, make, context));
    }
    return report(measured);
  },
};
