import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compilePredicate, parseEntry, parseSearch } from "@evident/core";
import { openSearch, type Search } from "@evident/server";
import { type Benchmark, type BenchmarkContext, type BenchmarkResult, flagOf } from "./benchmark.ts";
import { type ChildTask, startChild } from "./child-process.ts";
import { type LineFile, LineFileLedger, splitLines, TRAIL, writeLineFile } from "./line-file.ts";
import { type Distribution, distributionOf, mebibytes, spreadOf, startUsage, type Usage, whole } from "./measure.ts";
import { type SearchKind, searchKinds } from "./search-kinds.ts";

interface BuildInput {
  readonly lines: LineFile;
  readonly dir: string;
  /** Entries a second; 0 for as fast as it goes. */
  readonly rate: number;
}

interface Built {
  readonly usage: Usage;
  /** Entries that waited at most. */
  readonly behind: number;
}

/** Entries that wait for the index at most when no rate is asked for: enough for it never to wait. */
const mostWaiting = 20_000;

async function feed(ledger: LineFileLedger, search: Search, rate: number): Promise<number> {
  const startedMs = performance.now();
  let behind = 0;
  for (let more = true; more; ) {
    const due = rate === 0 ? Number.POSITIVE_INFINITY : ((performance.now() - startedMs) / 1_000) * rate;
    for (let step = 0; more && step < 16 && ledger.size < due; step += 1) more = ledger.grow();
    const waiting = search.counters().behind;
    behind = Math.max(behind, waiting);
    await sleep(1);
    // Without a rate, as a server that holds back what the index cannot take.
    if (rate === 0) while (search.counters().behind > mostWaiting) await sleep(1);
  }
  return behind;
}

/** The measured process: an empty index, fed with commits until all is searchable. */
export const searchBuildTask: ChildTask = async (text): Promise<Built> => {
  const { lines, dir, rate } = JSON.parse(text) as BuildInput;
  const ledger = new LineFileLedger(lines, 0);
  const search = await openSearch({ dir, ledger });
  const stop = startUsage();
  const behind = await feed(ledger, search, rate);
  await search.waitIndexed({ [TRAIL]: lines.count });
  const usage = stop();
  await search.close();
  return { usage, behind };
};

interface AskInput {
  readonly lines: LineFile;
  readonly dir: string;
  readonly kind: number;
  readonly warm: number;
}

interface Asked {
  readonly found: number;
  readonly coldMs: number;
  readonly warmMs: readonly number[];
  readonly peakMiB: number;
}

async function timed(kind: SearchKind, search: Search, variant: number): Promise<{ ms: number; found: number }> {
  const startedMs = performance.now();
  const found = await kind.run(search, variant);
  return { ms: performance.now() - startedMs, found };
}

/** The measured process: opens the index and asks one kind of question, the first time and again. */
export const searchAskTask: ChildTask = async (text): Promise<Asked> => {
  const { lines, dir, kind, warm } = JSON.parse(text) as AskInput;
  const ledger = new LineFileLedger(lines, lines.count);
  const search = await openSearch({ dir, ledger });
  await search.waitIndexed({ [TRAIL]: lines.count });
  const asked = searchKinds(lines.count)[kind];
  if (asked === undefined) throw new RangeError(`there is no kind ${kind}`);
  const stop = startUsage();
  const cold = await timed(asked, search, 0);
  const warmMs: number[] = [];
  for (let variant = 1; variant <= warm; variant += 1) warmMs.push((await timed(asked, search, variant)).ms);
  const { peakMiB } = stop();
  await search.close();
  return { found: cold.found, coldMs: cold.ms, warmMs, peakMiB };
};

function diskBytes(dir: string): number {
  const root = join(dir, "search");
  return readdirSync(root).reduce((sum, name) => sum + statSync(join(root, name)).size, 0);
}

/** Parses and tests every line of a part: what a search costs without an index, in lines a second. */
function plainScan(lines: LineFile, part: number): { readonly lines: number; readonly perSecond: number } {
  const parsed = parseSearch("actor.id:nobody outcome.status:denied", { nowMs: 0 });
  if (!parsed.ok) throw new Error(parsed.problem.message);
  const matches = compilePredicate(parsed.predicate);
  const bytes = readFileSync(lines.file).subarray(0, lines.offsets[Math.ceil(part / 256)]);
  const startedMs = performance.now();
  const all = splitLines(bytes);
  const found = all.filter((line, index) => matches(parseEntry(line.toString()), { trail: TRAIL, index }));
  if (found.length > 0) throw new Error("the scan found what is not there");
  return { lines: all.length, perSecond: all.length / ((performance.now() - startedMs) / 1_000) };
}

interface KindResult {
  readonly name: string;
  readonly found: number;
  readonly coldMs: number;
  readonly warm: Distribution;
}

function report(
  built: Built,
  bytes: number,
  lines: LineFile,
  kinds: readonly KindResult[],
  scan: ReturnType<typeof plainScan>,
) {
  const { count } = lines;
  const rate = (count / built.usage.wallMs) * 1_000;
  const perEvent = bytes / count;
  const lineBytes = (lines.offsets.at(-1) ?? 0) / count;
  const result: BenchmarkResult = {
    rows: [
      [
        "index",
        `${whole(rate)} events/s, ${built.usage.cores.toFixed(2)} cores, at most ${whole(built.behind)} waiting`,
      ],
      ["memory", `at most ${whole(built.usage.peakMiB)} MiB resident in the process that indexes`],
      ["disk", `${perEvent.toFixed(0)} bytes an event of ${lineBytes.toFixed(0)}, ${whole(mebibytes(bytes))} MiB`],
      [
        "plain scan",
        `${whole(scan.perSecond)} lines/s over ${whole(scan.lines)}: ${whole((count / scan.perSecond) * 1_000)} ms for all`,
      ],
      ...kinds.map(({ name, found, coldMs, warm }): [string, string] => [
        name,
        `first ${coldMs.toFixed(0)}, then p50 ${warm.p50.toFixed(1)}, p99 ${warm.p99.toFixed(1)} ms  (${whole(found)} found)`,
      ]),
    ],
    data: { eventsPerSecond: rate, built, bytesPerEvent: perEvent, lineBytes, plainScan: scan, kinds },
  };
  return result;
}

async function askAll(context: BenchmarkContext, lines: LineFile, dir: string): Promise<KindResult[]> {
  const results: KindResult[] = [];
  for (const [kind, { name }] of searchKinds(lines.count).entries()) {
    const asked: Asked[] = [];
    for (let run = 0; run < context.runs; run += 1) {
      asked.push(await startChild<Asked>("search-ask", { lines, dir, kind, warm: flagOf(context, "warm") }).result);
    }
    const warm = distributionOf(asked.flatMap(({ warmMs }) => warmMs));
    const coldMs = spreadOf(asked.map((one) => one.coldMs)).median;
    results.push({ name, found: asked[0]?.found ?? 0, coldMs, warm });
    context.say(`${name}: first ${coldMs.toFixed(0)} ms, then ${warm.p50.toFixed(1)} ms`);
  }
  return results;
}

/** The index: built from commits, then searched in the ways that people search. */
export const search: Benchmark = {
  name: "search",
  summary: "an index built from commits, and every kind of search in it",
  about: [
    "Makes a file of events (90 days, 20,000 users), feeds them as commits to an empty index in a process of its own, and closes it.",
    "Then, for each kind of search, opens the index in a new process and asks once (first) and again with other values (then). The",
    "page cache of the operating system stays warm. Baseline: JSON.parse of every line and the predicate, over a part of the file.",
  ].join("\n"),
  flags: {
    events: { default: 1_000_000, summary: "Events." },
    warm: { default: 30, summary: "Searches of each kind after the first." },
    rate: { default: 0, summary: "Events a second that are committed; 0: as many as the index takes." },
    scan: { default: 100_000, summary: "Lines of the plain scan." },
  },
  async run(context) {
    const count = flagOf(context, "events");
    const dir = join(context.directory, "index");
    context.say(`writing ${whole(count)} events`);
    const lines = writeLineFile(join(context.directory, "lines"), count);
    const built = await startChild<Built>("search-build", { lines, dir, rate: flagOf(context, "rate") }).result;
    context.say(`indexed ${whole((count / built.usage.wallMs) * 1_000)} events/s`);
    const scan = plainScan(lines, Math.min(count, flagOf(context, "scan")));
    const kinds = await askAll(context, lines, dir);
    return report(built, diskBytes(dir), lines, kinds, scan);
  },
};
