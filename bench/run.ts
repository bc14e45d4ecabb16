import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EvidentError } from "@evident/core";
import { adapters } from "./adapters.ts";
import { append } from "./append.ts";
import type { Benchmark, BenchmarkResult } from "./benchmark.ts";
import { type ChildTask, serveChild } from "./child-process.ts";
import { exportFiles } from "./export.ts";
import { follow } from "./follow.ts";
import { followSinkTask } from "./follow-sink.ts";
import { followWriterTask } from "./follow-writer.ts";
import { httpLoadTask } from "./http-load.ts";
import { ingest } from "./ingest.ts";
import { type MachineFacts, machineFacts, refuseMemory } from "./machine.ts";
import { plainServerTask } from "./plain-server.ts";
import { receivers } from "./receivers.ts";
import { sdk } from "./sdk.ts";
import { sdkRecordTask, sdkServerTask } from "./sdk-record.ts";
import { search, searchAskTask, searchBuildTask } from "./search.ts";
import { verify, verifyTask } from "./verify.ts";

const benchmarks: readonly Benchmark[] = [
  append,
  ingest,
  verify,
  search,
  adapters,
  exportFiles,
  sdk,
  receivers,
  follow,
];

/** What runs in a process of its own: `run.ts child NAME INPUT`. */
const childTasks: Readonly<Record<string, ChildTask>> = {
  "follow-sink": followSinkTask,
  "follow-writer": followWriterTask,
  "http-load": httpLoadTask,
  "plain-server": plainServerTask,
  "sdk-record": sdkRecordTask,
  "sdk-server": sdkServerTask,
  "search-ask": searchAskTask,
  "search-build": searchBuildTask,
  verify: verifyTask,
};

const general = [
  ["--runs N", "Measured runs after the warm-up; 3."],
  [
    "--dir DIR",
    "Where stores are made and removed; must be on a disk. Default: the system's directory for temporary files.",
  ],
  ["--json FILE", "Also write the result as JSON; - for stdout instead of the table."],
  ["--help", "This text."],
] as const;

function rowsText(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

function overview(): string {
  return [
    "npm run bench -- NAME [flags]",
    rowsText(benchmarks.map(({ name, summary }) => [name, summary])),
    "npm run bench -- NAME --help has the flags.\n",
  ].join("\n\n");
}

function help(benchmark: Benchmark): string {
  const own = Object.entries(benchmark.flags).map(
    ([name, flag]) => [`--${name} N`, `${flag.summary} Default ${flag.default}.`] as const,
  );
  return `npm run bench -- ${benchmark.name} [flags]\n\n${benchmark.about}\n\n${rowsText([...own, ...general])}\n`;
}

function parseWhole(name: string, text: string): number {
  const value = /^\d{1,12}$/.test(text.replaceAll("_", "")) ? Number(text.replaceAll("_", "")) : Number.NaN;
  if (value >= 0) return value;
  throw new EvidentError("bad_request", `--${name} cannot be ${JSON.stringify(text.slice(0, 40))}`, {
    fix: "Give a whole number.",
  });
}

interface Arguments {
  readonly help: boolean;
  readonly runs: number;
  readonly dir: string;
  readonly json: string | undefined;
  readonly flags: Readonly<Record<string, number>>;
}

function readArguments(benchmark: Benchmark, args: readonly string[]): Arguments {
  const text = { type: "string" } as const;
  const own = Object.fromEntries(Object.keys(benchmark.flags).map((name) => [name, text]));
  const options = { ...own, runs: text, dir: text, json: text, help: { type: "boolean", short: "h" } } as const;
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new EvidentError("bad_request", message, { cause, fix: `See npm run bench -- ${benchmark.name} --help.` });
  }
  const given = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const flags = Object.entries(benchmark.flags).map(([name, flag]) => {
    const value = given(name);
    return [name, value === undefined ? flag.default : parseWhole(name, value)] as const;
  });
  return {
    help: values.help === true,
    runs: Math.max(1, parseWhole("runs", given("runs") ?? "3")),
    dir: given("dir") ?? tmpdir(),
    json: given("json"),
    flags: Object.fromEntries(flags),
  };
}

function machineText(machine: MachineFacts): string {
  const { p50, p99 } = machine.syncMs;
  return rowsText([
    ["processor", `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, kernel ${machine.kernel}`],
    ["disk", `${machine.fileSystem} on ${machine.disk}`],
    ["sync", `${machine.fsync}; 4 KiB alone take ${p50.toFixed(2)} ms (p99 ${p99.toFixed(2)})`],
    ["software", `node ${machine.node}, commit ${machine.commit}`],
  ]);
}

async function runBenchmark(benchmark: Benchmark, given: Arguments): Promise<void> {
  mkdirSync(given.dir, { recursive: true });
  refuseMemory(given.dir);
  const directory = mkdtempSync(join(given.dir, "evident-bench-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", remove);
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  const machine = machineFacts(directory);
  const say = (text: string): void => console.error(`bench ${benchmark.name}: ${text}`);
  const { flags, runs } = given;
  const result: BenchmarkResult = await benchmark.run({ directory, flags, runs, say });
  const json = `${JSON.stringify({ v: 1, benchmark: benchmark.name, at: new Date().toISOString(), machine, runs, flags, ...result.data }, null, 2)}\n`;
  if (given.json === "-") process.stdout.write(json);
  else {
    if (given.json !== undefined) writeFileSync(given.json, json);
    console.log(`${machineText(machine)}\n\n${rowsText(result.rows)}`);
  }
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h") {
    console.log(overview());
    return name === undefined ? 2 : 0;
  }
  if (name === "child") {
    const task = childTasks[args[0] ?? ""];
    if (task !== undefined) await serveChild(task, args[1] ?? "");
    return task === undefined ? 2 : 0;
  }
  const benchmark = benchmarks.find((each) => each.name === name);
  try {
    if (benchmark === undefined) {
      const names = benchmarks.map((each) => each.name).join(", ");
      throw new EvidentError("bad_request", `no benchmark ${name.slice(0, 40)}`, { fix: `Name one of ${names}.` });
    }
    const given = readArguments(benchmark, args);
    if (given.help) console.log(help(benchmark));
    else await runBenchmark(benchmark, given);
    return 0;
  } catch (cause) {
    if (!(cause instanceof EvidentError)) throw cause;
    console.error(`bench: ${cause.message}\nTo fix it: ${cause.fix}`);
    return cause.exit;
  }
}

process.exit(await main(process.argv.slice(2)));
