import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fdatasyncSync, mkdirSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Benchmark, type BenchmarkContext, type BenchmarkResult, flagOf } from "./benchmark.ts";
import { type MeasuredServer, startEvident } from "./evident-server.ts";
import { mebibytes, type Spread, showSpread, spreadOf, whole } from "./measure.ts";
import { useOf } from "./process-use.ts";

const launcher = join(import.meta.dirname, "../evident");
const CHUNK_BYTES = 1 << 20;
const WATCH_MS = 20;

const formats = ["ndjson", "csv", "ocsf", "parquet"] as const;
type Format = (typeof formats)[number];

/** One `./evident export`. */
interface ExportRun {
  readonly wallMs: number;
  readonly sizeBytes: number;
  readonly clientMiB: number;
  readonly serverMiB: number;
  /** Processor time of the server over the time of the export. */
  readonly serverCores: number;
  /** The same lines as NDJSON, read and written once with fdatasync. */
  readonly copyMs: number;
}

/** Runs a verb of the command line; resolves with the most memory that it had. */
async function runVerb(server: MeasuredServer, cwd: string, args: readonly string[]): Promise<number> {
  const child = spawn(launcher, args, {
    cwd,
    env: { ...process.env, EVIDENT_URL: server.url, EVIDENT_KEY: server.key },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr.on("data", (part: Buffer) => {
    output = `${output}${part.toString()}`.slice(-5_000);
  });
  let peakMiB = 0;
  const watch = setInterval(() => {
    peakMiB = Math.max(peakMiB, useOf(child.pid ?? 0)?.peakMiB ?? 0);
  }, WATCH_MS);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(watch);
  if (code !== 0) throw new Error(`evident ${args.join(" ")}: ${String(code)}\n${output}`);
  return peakMiB;
}

/** The plain way to have the same lines in another file. @returns milliseconds */
function copyLines(from: string, to: string): number {
  const bytes = new Uint8Array(CHUNK_BYTES);
  const startedMs = performance.now();
  const input = openSync(from, "r");
  const output = openSync(to, "w");
  for (let read = readSync(input, bytes); read > 0; read = readSync(input, bytes)) writeSync(output, bytes, 0, read);
  fdatasyncSync(output);
  closeSync(input);
  closeSync(output);
  const tookMs = performance.now() - startedMs;
  rmSync(to);
  return tookMs;
}

async function exportOnce(server: MeasuredServer, directory: string, format: Format): Promise<ExportRun> {
  const file = join(directory, `out.${format}`);
  const before = useOf(server.pid);
  const startedMs = performance.now();
  const clientMiB = await runVerb(server, directory, ["export", "--format", format, "--output", file]);
  const wallMs = performance.now() - startedMs;
  const after = useOf(server.pid);
  const { size: sizeBytes } = statSync(file);
  rmSync(file);
  return {
    wallMs,
    sizeBytes,
    clientMiB,
    serverMiB: after?.peakMiB ?? 0,
    serverCores: ((after?.cpuMs ?? 0) - (before?.cpuMs ?? 0)) / wallMs,
    copyMs: copyLines(join(directory, "lines.ndjson"), join(directory, "copy")),
  };
}

interface FormatResult {
  readonly format: Format;
  readonly entriesPerSecond: Spread;
  readonly ratioToCopy: Spread;
  readonly runs: readonly ExportRun[];
}

function summarise(format: Format, events: number, runs: readonly ExportRun[]): FormatResult {
  return {
    format,
    entriesPerSecond: spreadOf(runs.map(({ wallMs }) => (events / wallMs) * 1_000)),
    ratioToCopy: spreadOf(runs.map(({ wallMs, copyMs }) => wallMs / copyMs)),
    runs,
  };
}

function report(events: number, linesBytes: number, results: readonly FormatResult[]): BenchmarkResult {
  const rows = results.flatMap(({ format, entriesPerSecond, ratioToCopy, runs }): (readonly [string, string])[] => {
    const [first] = runs;
    const perEvent = (first?.sizeBytes ?? 0) / events;
    const client = Math.max(...runs.map(({ clientMiB }) => clientMiB));
    const server = Math.max(...runs.map(({ serverMiB }) => serverMiB));
    const cores = spreadOf(runs.map(({ serverCores }) => serverCores)).median;
    return [
      [format, `${showSpread(entriesPerSecond, "entries/s")}, ${perEvent.toFixed(0)} B an entry`],
      [
        "",
        `takes ${ratioToCopy.median.toFixed(1)} times as long as a plain copy; client at most ${whole(client)} MiB; server ${whole(server)} MiB since its start, ${cores.toFixed(2)} cores`,
      ],
    ];
  });
  return {
    rows: [
      [
        "lines",
        `${whole(events)} entries, ${whole(mebibytes(linesBytes))} MiB as NDJSON; copied in the page cache, with fdatasync`,
      ],
      ...rows,
    ],
    data: { events, linesBytes, formats: results },
  };
}

/** Entries out of a running server into a file, in every format. */
export const exportFiles: Benchmark = {
  name: "export",
  summary: "entries out of ./evident serve into files of every format",
  about: [
    "Starts ./evident serve on a new data directory, ingests demo events, and runs ./evident export into a file for each format, OCSF with",
    "receipts. Client and server share the machine. Baseline: the same lines as NDJSON, read from one file and written to another with",
    "fdatasync, in the same run.",
  ].join("\n"),
  flags: { events: { default: 200_000, summary: "Events of the store." } },
  async run(context: BenchmarkContext) {
    const { directory } = context;
    const events = Math.max(1, flagOf(context, "events"));
    mkdirSync(directory, { recursive: true });
    const server = await startEvident(join(directory, "data"));
    try {
      context.say(`storing ${whole(events)} events`);
      await runVerb(server, directory, ["demo", "--count", String(events), "--out", "demo.ndjson"]);
      await runVerb(server, directory, ["ingest", "demo.ndjson"]);
      // Also the warm-up: these are the lines that the baseline copies.
      await runVerb(server, directory, ["export", "--output", "lines.ndjson"]);
      const results: FormatResult[] = [];
      for (const format of formats) {
        const runs: ExportRun[] = [];
        for (let i = 0; i < context.runs; i += 1) runs.push(await exportOnce(server, directory, format));
        const result = summarise(format, events, runs);
        results.push(result);
        context.say(`${format}: ${whole(result.entriesPerSecond.median)} entries/s`);
      }
      return report(events, statSync(join(directory, "lines.ndjson")).size, results);
    } finally {
      await server.stop();
    }
  },
};
