import { type ChildProcess, spawn } from "node:child_process";
import { createReadStream, rmSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type Benchmark, type BenchmarkContext, type BenchmarkResult, flagOf } from "./benchmark.ts";
import { startChild } from "./child-process.ts";
import { type MeasuredServer, startEvident } from "./evident-server.ts";
import type { SinkResult } from "./follow-sink.ts";
import type { WriterInput } from "./follow-writer.ts";
import { type Distribution, distributionOf, mebibytes, showMs, showSpread, spreadOf, whole } from "./measure.ts";
import { useOf } from "./process-use.ts";

const launcher = join(import.meta.dirname, "../evident");
const SOURCE = "follow-bench";
const NEWLINE = 0x0a;

/** When each stored line was committed. */
interface Stored {
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** From the write of a line to its commit, ms. */
  readonly lagMs: Distribution;
}

interface FollowRun {
  /** Of a file that was there before. */
  readonly caughtUpPerSecond: number;
  readonly plainPerSecond: number;
  /** Of a growing file. */
  readonly writtenPerSecond: number;
  readonly lagMs: Distribution;
  readonly followerCores: number;
  readonly followerMiB: number;
  readonly bytes: number;
  /** Into a server that takes everything at once: what the follower itself can do. */
  readonly alone: { readonly perSecond: number; readonly growing: SinkResult };
}

function startFollow(server: MeasuredServer, cwd: string, args: readonly string[]): ChildProcess {
  const child = spawn(launcher, ["follow", ...args, "--format", "combined", "--source", SOURCE, "--quiet"], {
    cwd,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, NO_COLOR: "1", EVIDENT_URL: server.url, EVIDENT_KEY: server.key },
  });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("close", () => process.off("exit", kill));
  return child;
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`evident follow ended with ${code}`));
    });
  });
}

async function readStored(server: MeasuredServer): Promise<Stored> {
  const answer = await fetch(`${server.url}/v1/export?trail=main&format=ndjson`, {
    headers: { authorization: `Bearer ${server.key}` },
  });
  if (!answer.ok || answer.body === null) throw new Error(`export: ${answer.status} ${await answer.text()}`);
  const lags: number[] = [];
  let [firstMs, lastMs] = [Number.POSITIVE_INFINITY, 0];
  const input = Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]);
  for await (const line of createInterface({ input })) {
    const written = /"GET \/w\/(\d+)\//.exec(line.replaceAll('\\"', '"'))?.[1];
    const received = /"received":"([^"]+)"/.exec(line)?.[1];
    if (written === undefined || received === undefined) continue;
    const atMs = Date.parse(received);
    firstMs = Math.min(firstMs, atMs);
    lastMs = Math.max(lastMs, atMs);
    lags.push(atMs - Number(written));
  }
  return { count: lags.length, firstMs, lastMs, lagMs: distributionOf(lags) };
}

async function countOf({ url, key }: MeasuredServer): Promise<number> {
  const answer = await fetch(`${url}/v1/trails/main`, { headers: { authorization: `Bearer ${key}` } });
  const body = (await answer.json()) as { size?: number };
  return answer.ok ? (body.size ?? 0) : 0;
}

/** Lines a second of a loop that reads the file and counts them. */
async function readPlainly(file: string): Promise<number> {
  const startedMs = performance.now();
  let lines = 0;
  for await (const part of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    const bytes = part as Buffer;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  }
  return (lines * 1_000) / (performance.now() - startedMs);
}

async function withServer<Result>(
  directory: string,
  body: (server: MeasuredServer) => Promise<Result>,
): Promise<Result> {
  await mkdir(directory, { recursive: true });
  const server = await startEvident(join(directory, "data"));
  try {
    return await body(server);
  } finally {
    await server.stop();
  }
}

/** Follows a file into a server that answers at once. */
async function runAlone(directory: string, lines: number, rate: number): Promise<SinkResult> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, "alone.log");
  const sink = startChild<SinkResult>("follow-sink", lines);
  const server = { url: String(await sink.told), key: "none", pid: sink.pid, stop: () => sink.stop() };
  const write = () => startChild<number>("follow-writer", { file, lines, rate } satisfies WriterInput).result;
  if (rate === 0) await write();
  const follower = startFollow(server, directory, [file, "--state", join(directory, "alone.sqlite")]);
  const ended = endOf(follower);
  if (rate > 0) {
    await sleep(3_000);
    await write();
  }
  const result = await sink.result;
  follower.kill("SIGTERM");
  await ended;
  return result;
}

function checkCount(got: number, wanted: number): void {
  if (got !== wanted) throw new Error(`${wanted} lines were written, ${got} are stored`);
}

async function runOnce(directory: string, lines: number, rate: number): Promise<FollowRun> {
  const file = join(directory, "old.log");
  const caughtUp = await withServer(join(directory, "old"), async (server) => {
    await startChild<number>("follow-writer", { file, lines, rate: 0 } satisfies WriterInput).result;
    await endOf(startFollow(server, directory, [file, "--once", "--state", join(directory, "old.sqlite")]));
    const stored = await readStored(server);
    checkCount(stored.count, lines);
    return (stored.count * 1_000) / Math.max(1, stored.lastMs - stored.firstMs);
  });
  const plain = await readPlainly(file);
  const growing = join(directory, "growing.log");
  const live = await withServer(join(directory, "growing"), async (server) => {
    const follower = startFollow(server, directory, [growing, "--state", join(directory, "growing.sqlite")]);
    const ended = endOf(follower);
    // So that its start is not part of the lag.
    await sleep(3_000);
    const before = useOf(follower.pid ?? 0);
    const tookMs = await startChild<number>("follow-writer", { file: growing, lines, rate } satisfies WriterInput)
      .result;
    const after = useOf(follower.pid ?? 0);
    while ((await countOf(server)) < lines) await sleep(100);
    follower.kill("SIGTERM");
    await ended;
    const stored = await readStored(server);
    checkCount(stored.count, lines);
    return {
      lagMs: stored.lagMs,
      writtenPerSecond: (lines * 1_000) / tookMs,
      followerCores: ((after?.cpuMs ?? 0) - (before?.cpuMs ?? 0)) / tookMs,
      followerMiB: after?.peakMiB ?? 0,
    };
  });
  const { perSecond } = await runAlone(join(directory, "alone"), lines, 0);
  const alone = { perSecond, growing: await runAlone(join(directory, "alone-growing"), lines, rate) };
  return { alone, caughtUpPerSecond: caughtUp, plainPerSecond: plain, ...live, bytes: statSync(file).size };
}

function report(runs: readonly FollowRun[], lines: number): BenchmarkResult {
  const caughtUp = spreadOf(runs.map((run) => run.caughtUpPerSecond));
  const plain = spreadOf(runs.map((run) => run.plainPerSecond));
  const ratio = spreadOf(runs.map((run) => run.plainPerSecond / run.caughtUpPerSecond));
  const written = spreadOf(runs.map((run) => run.writtenPerSecond));
  const cores = spreadOf(runs.map((run) => run.followerCores));
  const last = runs.at(-1);
  const alone = spreadOf(runs.map((run) => run.alone.perSecond));
  const rows: (readonly [string, string])[] = [
    ["follow, a file that is there", showSpread(caughtUp, "lines/s")],
    [
      "reading and counting alone",
      `${showSpread(plain, "lines/s")}; ours takes ${ratio.median.toFixed(0)} times as long`,
    ],
    ["follow, a growing file", `${showSpread(written, "lines/s")} written, all stored`],
    [
      "follower",
      `${cores.median.toFixed(2)} cores, at most ${whole(Math.max(...runs.map((run) => run.followerMiB)))} MiB resident`,
    ],
    ["load", `${whole(lines)} lines each, ${whole(mebibytes(last?.bytes ?? 0))} MiB`],
  ];
  if (last !== undefined) {
    rows.push(
      ["from write to commit", showMs(last.lagMs)],
      ["the follower alone", `${showSpread(alone, "lines/s")} into a server that answers at once`],
      ["growing, from write to arrival", showMs(last.alone.growing.lagMs)],
    );
  }
  const data = { caughtUpPerSecond: caughtUp, plainPerSecond: plain, ratioToPlain: ratio, writtenPerSecond: written };
  return { rows, data: { ...data, followerCores: cores, alonePerSecond: alone, each: runs } };
}

/** Log files on their way in: read, adapted, sent, stored. */
export const follow: Benchmark = {
  name: "follow",
  summary: "a web server's log through ./evident follow into ./evident serve",
  about: [
    "First a log that is there already: lines a second from the first to the last commit. Then one to which another process appends at a",
    "steady rate: the time from the write of each line to its commit, by the entries' own times. Every line must be stored. Then both",
    "again into a server that answers at once: what is left is the follower. Writer, follower and server share the machine. Baseline: a loop that reads the file and counts its lines.",
  ].join("\n"),
  flags: {
    lines: { default: 500_000, summary: "Lines of each file." },
    rate: { default: 50_000, summary: "Lines a second that are written to the growing file." },
  },
  async run(context: BenchmarkContext) {
    const [lines, rate] = [flagOf(context, "lines"), flagOf(context, "rate")];
    const runs: FollowRun[] = [];
    for (let at = 0; at < context.runs; at += 1) {
      const directory = join(context.directory, `run-${at}`);
      const run = await runOnce(directory, lines, rate);
      rmSync(directory, { recursive: true, force: true });
      runs.push(run);
      context.say(`run ${at + 1}: ${whole(run.caughtUpPerSecond)} lines/s, lag ${showMs(run.lagMs)}`);
    }
    return report(runs, lines);
  },
};
