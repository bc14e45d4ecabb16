import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { checkOcsf, makeTemporaryDirectory, type RunningServer, readParquet, startServer } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** The long form (`npm run soak`) exports a million. */
const isSoak = process.env["EVIDENT_SOAK"] === "1";
const sizes = isSoak ? { small: 100_000, large: 1_000_000 } : { small: 500, large: 4_000 };
const HOURS_MS = 3_600_000;
/** What buffers, pages and the garbage collector may differ by, whatever is exported. */
const SLACK_MIB = 160;
const SAMPLE_EVERY = isSoak ? 997 : 1;

const launcher = join(import.meta.dirname, "../evident");
const directory = makeTemporaryDirectory("export-memory");
const cwd = directory.path;
let server: RunningServer;

/** A number of mebibytes from `/proc/<pid>/status`; 0 where there is none. */
function memoryMiB(pid: number, name: "VmHWM" | "VmRSS"): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) / 1_024;
  } catch {
    // It has ended, or this is not Linux.
    return 0;
  }
}

/** The most that was resident while a verb ran. */
interface Peaks {
  readonly clientMiB: number;
  readonly serverMiB: number;
}

interface Run extends Peaks {
  readonly stdout: string;
  readonly tookMs: number;
}

/** Runs a verb to its end and watches memory. The launcher becomes the process that works. */
async function run(args: readonly string[]): Promise<Run> {
  const startedMs = performance.now();
  const child = spawn(launcher, args, {
    cwd,
    env: { ...process.env, EVIDENT_URL: server.url, EVIDENT_KEY: server.adminKey },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr, clientMiB, serverMiB] = ["", "", 0, 0];
  child.stdout.on("data", (part: Buffer) => {
    stdout += part.toString();
  });
  child.stderr.on("data", (part: Buffer) => {
    stderr += part.toString();
  });
  const watch = setInterval(() => {
    clientMiB = Math.max(clientMiB, memoryMiB(child.pid ?? 0, "VmHWM"));
    serverMiB = Math.max(serverMiB, memoryMiB(server.pid, "VmRSS"));
  }, 20);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(watch);
  if (code !== 0) throw new Error(`${args.join(" ")}: ${String(code)}: ${stderr}`);
  return { stdout, clientMiB, serverMiB, tookMs: performance.now() - startedMs };
}

beforeAll(async () => {
  server = await startServer({ dataDir: join(cwd, "data") });
  for (const [trail, count] of Object.entries(sizes)) {
    await run(["trails", "create", trail]);
    await run(["demo", "--count", String(count), "--seed", String(count), "--out", "demo.ndjson"]);
    await run(["ingest", "demo.ndjson", "--trail", trail]);
    rmSync(join(cwd, "demo.ndjson"));
  }
}, HOURS_MS);

afterAll(async () => {
  await server.stop();
  directory[Symbol.dispose]();
}, HOURS_MS);

/** Lines of OCSF, some of which are checked. */
async function countOcsf(path: string): Promise<number> {
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (lines % SAMPLE_EVERY === 0 && checkOcsf(JSON.parse(line)).length > 0) throw new Error(line);
    lines += 1;
  }
  return lines;
}

/** Line ends of a file; those within the cells of CSV among them. */
async function countLines(path: string): Promise<number> {
  let lines = 0;
  for await (const part of createReadStream(path)) for (const byte of part as Buffer) if (byte === 0x0a) lines += 1;
  return lines;
}

async function countParquet(path: string): Promise<number> {
  const sql =
    "SELECT count(*)::INT entries, typeof(any_value(time_occurred)) occurred, count(DISTINCT leaf_hash)::INT leaves FROM file";
  const [row] = await readParquet(path, sql);
  if (row?.["occurred"] !== "TIMESTAMP_NS" || row["leaves"] !== row["entries"]) throw new Error(JSON.stringify(row));
  return Number(row["entries"]);
}

/** How many entries a file of each format holds, and what it has beside them. */
const counted = {
  ndjson: { count: countLines, more: 1 },
  csv: { count: countLines, more: 1 },
  ocsf: { count: countOcsf, more: 0 },
  parquet: { count: countParquet, more: 0 },
} as const;

describe(`an export of ${sizes.large} events`, () => {
  it.each(["ndjson", "csv", "ocsf", "parquet"] as const)(
    "as %s takes no more memory than one of a part of them",
    async (format) => {
      const peaks = new Map<string, Peaks>();
      for (const [trail, entries] of Object.entries(sizes)) {
        const file = join(cwd, `${trail}.${format}`);
        const args = ["export", "--trail", trail, "--format", format, "--output", file, "--json"];
        const { stdout, tookMs, ...peak } = await run(args);
        expect(JSON.parse(stdout)).toMatchObject({ complete: true, entries });
        const { count, more } = counted[format];
        expect(await count(file)).toBe(entries + more);
        peaks.set(trail, peak);
        const rate = Math.round((entries * 1_000) / tookMs);
        const memory = `client ${peak.clientMiB.toFixed(0)} MiB, server ${peak.serverMiB.toFixed(0)} MiB`;
        if (isSoak)
          process.stderr.write(`${format}: ${entries} entries, ${statSync(file).size} bytes, ${rate}/s, ${memory}\n`);
        rmSync(file);
      }
      const [small, large] = [peaks.get("small"), peaks.get("large")];
      expect(large?.clientMiB).toBeLessThan((small?.clientMiB ?? 0) + SLACK_MIB);
      expect(large?.serverMiB).toBeLessThan((small?.serverMiB ?? 0) + SLACK_MIB);
    },
    HOURS_MS,
  );
});
