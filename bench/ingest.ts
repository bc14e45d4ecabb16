import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Benchmark, type BenchmarkContext, flagOf } from "./benchmark.ts";
import { startChild } from "./child-process.ts";
import { type MeasuredServer, startEvident } from "./evident-server.ts";
import type { LoadInput, LoadResult } from "./http-load.ts";
import { mebibytes, showMs, showSpread, spreadOf, whole } from "./measure.ts";
import { useOf } from "./process-use.ts";

type Load = Omit<LoadInput, "url" | "key">;

/** One server under the load. */
interface IngestRun extends LoadResult {
  readonly peakMiB: number;
  /** Processor time of the server over the time of the load. */
  readonly cores: number;
  /** The ledger's counters; none of the plain server. */
  readonly counters: Readonly<Record<string, number>>;
}

async function countersOf({ url, key }: MeasuredServer): Promise<Readonly<Record<string, number>>> {
  if (key === "") return {};
  const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${key}` } });
  if (!answer.ok) throw new Error(`/v1/status: ${answer.status} ${(await answer.text()).slice(0, 500)}`);
  return ((await answer.json()) as { counters: Record<string, number> }).counters;
}

async function runLoad(server: MeasuredServer, load: Load): Promise<IngestRun> {
  const clients = startChild<LoadResult>("http-load", { ...load, url: server.url, key: server.key });
  await clients.told;
  const before = useOf(server.pid);
  const countersBefore = await countersOf(server);
  const result = await clients.result;
  const after = useOf(server.pid);
  const countersAfter = await countersOf(server);
  const counters = Object.entries(countersAfter).map(([name, value]) => [name, value - (countersBefore[name] ?? 0)]);
  return {
    ...result,
    peakMiB: after?.peakMiB ?? 0,
    cores: ((after?.cpuMs ?? 0) - (before?.cpuMs ?? 0)) / result.indexedMs,
    counters: Object.fromEntries(counters) as Record<string, number>,
  };
}

async function startPlain(directory: string): Promise<MeasuredServer> {
  mkdirSync(directory, { recursive: true });
  const child = startChild<number>("plain-server", { directory });
  return { url: String(await child.told), key: "", pid: child.pid, stop: () => child.stop() };
}

async function runServer(
  start: (directory: string) => Promise<MeasuredServer>,
  directory: string,
  load: Load,
): Promise<IngestRun> {
  const server = await start(join(directory, "data"));
  try {
    return await runLoad(server, load);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Compared {
  readonly ours: IngestRun;
  readonly plain: IngestRun;
}

function report(load: Load, runs: readonly Compared[]): Awaited<ReturnType<Benchmark["run"]>> {
  const rateOf = (pick: (run: Compared) => number) => spreadOf(runs.map((run) => (load.events / pick(run)) * 1_000));
  const indexed = rateOf(({ ours }) => ours.indexedMs);
  const answered = rateOf(({ ours }) => ours.answeredMs);
  const plain = rateOf((run) => run.plain.answeredMs);
  const ratio = spreadOf(runs.map((run) => run.ours.indexedMs / run.plain.answeredMs));
  const last = runs.at(-1)?.ours;
  const peakMiB = Math.max(...runs.map(({ ours }) => ours.peakMiB));
  const cores = spreadOf(runs.map(({ ours }) => ours.cores));
  const perRecord = spreadOf(
    runs.map(({ ours }) => (ours.counters.entries ?? 0) / Math.max(1, ours.counters.commits ?? 0)),
  );
  const fsyncs = spreadOf(runs.map(({ ours }) => ours.counters.fsyncs ?? 0));
  const refusals = spreadOf(runs.map(({ ours }) => ours.refusals));
  const rows: (readonly [string, string])[] = [
    ["ingest, searchable", showSpread(indexed, "events/s")],
    ["ingest, answered", showSpread(answered, "events/s")],
    [
      "load",
      `${whole(load.events)} events in bodies of ${load.batch} over ${load.connections} connections, ${whole(mebibytes(last?.bytes ?? 0))} MiB`,
    ],
    [
      "records",
      `${whole(perRecord.median)} entries each; ${whole(fsyncs.median)} fsyncs; ${whole(refusals.median)} answers 429`,
    ],
    ["plain HTTP + fdatasync", `${showSpread(plain, "events/s")}; ours takes ${ratio.median.toFixed(1)} times as long`],
    ["server", `${cores.median.toFixed(2)} cores (the clients take the rest), at most ${whole(peakMiB)} MiB resident`],
  ];
  if (last !== undefined) {
    rows.push(
      ["a body", `answered after ${showMs(last.requestMs)}`],
      [
        "one event, quiet",
        `answered after ${showMs(last.quietMs)}; plain ${showMs(runs.at(-1)?.plain.quietMs ?? last.quietMs)}`,
      ],
      ["one event, beside the load", `answered after ${showMs(last.busyMs)}`],
    );
  }
  const data = { eventsPerSecondIndexed: indexed, eventsPerSecondAnswered: answered, plainEventsPerSecond: plain };
  return {
    rows,
    data: {
      ...data,
      ratioToPlain: ratio,
      entriesPerRecord: perRecord,
      fsyncs,
      refusals,
      peakMiB,
      serverCores: cores,
      each: runs,
    },
  };
}

/** The whole way in: HTTP, check, ledger and index in a server of its own. */
export const ingest: Benchmark = {
  name: "ingest",
  summary: "events over HTTP into ./evident serve, until they are searchable",
  about: [
    "Starts ./evident serve on a new data directory and loads it from another process with NDJSON bodies of demo events, until the last is",
    "answered and the index has all of them. Single events, one a request, 20 a second, are timed with nothing else going on and beside",
    "the load. Clients and server share the machine. Baseline: the same clients against a bare node:http server that writes each body to",
    "a file and answers after fdatasync.",
  ].join("\n"),
  flags: {
    events: { default: 500_000, summary: "Events a run." },
    batch: { default: 1_000, summary: "Events in a body." },
    connections: { default: 8, summary: "Bodies under way at the same time." },
    rate: { default: 0, summary: "Events a second at most; 0: as fast as they are taken." },
    singles: { default: 200, summary: "Single events, quiet; and at most as many beside the load." },
    warmup: { default: 50_000, summary: "Events sent before, in every run." },
  },
  async run(context: BenchmarkContext) {
    const load: Load = {
      events: flagOf(context, "events"),
      batch: Math.max(1, flagOf(context, "batch")),
      connections: Math.max(1, flagOf(context, "connections")),
      rate: flagOf(context, "rate"),
      singles: flagOf(context, "singles"),
      warmup: flagOf(context, "warmup"),
    };
    const runs: Compared[] = [];
    for (let i = 0; i < context.runs; i += 1) {
      const plain = await runServer(startPlain, join(context.directory, `plain-${i}`), load);
      const ours = await runServer(startEvident, join(context.directory, `run-${i}`), load);
      runs.push({ ours, plain });
      context.say(
        `run ${i + 1}: ${whole((load.events / ours.indexedMs) * 1_000)} events/s searchable, plain ${whole((load.events / plain.answeredMs) * 1_000)}`,
      );
    }
    return report(load, runs);
  },
};
