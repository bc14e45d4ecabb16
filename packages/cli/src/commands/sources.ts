import { clientFlags, openClient, parseList, parseMembers, strangeAnswer } from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { formatCount, formatDuration, plainText, renderTable } from "../terminal/index.ts";

const SHOWN_GAPS = 10;

interface Source {
  readonly source: string;
  readonly trail: string;
  readonly adapter: string;
  readonly events: number;
  readonly duplicates: number;
  readonly quarantined: Readonly<Record<string, number>>;
  readonly lossy: number;
  readonly lastReceived?: string;
  readonly lastOccurred?: string;
  readonly lastMinute: number;
  readonly lastHour: number;
  readonly lag?: { readonly p50Ms: number; readonly p95Ms: number };
  readonly clockAheadMs: number;
  readonly missing: number;
  readonly sequences: readonly {
    readonly counter: string;
    readonly last: number;
    readonly missing: number;
    readonly resets: number;
    readonly gaps: readonly { readonly from: number; readonly to: number; readonly since: string }[];
  }[];
  readonly failures: readonly {
    readonly trail: string;
    readonly index: number;
    readonly received: string;
    readonly why: string;
    readonly field: string;
    readonly problem: string;
  }[];
}

function parseSource(value: unknown): Source {
  const source = value as Source;
  const isSource =
    typeof value === "object" &&
    value !== null &&
    [source.source, source.trail, source.adapter].every((text) => typeof text === "string") &&
    [source.events, source.lastMinute, source.missing].every((count) => typeof count === "number") &&
    [source.sequences, source.failures].every((list) => Array.isArray(list));
  if (isSource) return source;
  throw strangeAnswer("source");
}

function quarantinedOf({ quarantined }: Source): number {
  return Object.values(quarantined).reduce((sum, count) => sum + count, 0);
}

/** A time to the second; the whole of it is in --json. */
function shortTime(time: string | undefined): string {
  return time === undefined ? "never" : `${time.slice(0, 10)} ${time.slice(11, 19)}Z`;
}

function printTable({ out }: Io, sources: readonly Source[]): void {
  const head = [
    "source",
    "trail",
    "adapter",
    "last event",
    "/min",
    "/hour",
    "lag",
    "missing",
    "duplicates",
    "quarantined",
  ];
  const rows = sources.map((source) => [
    source.source,
    source.trail,
    source.adapter === "" ? "-" : source.adapter,
    shortTime(source.lastReceived),
    formatCount(source.lastMinute),
    formatCount(source.lastHour),
    source.lag === undefined ? "-" : formatDuration(source.lag.p50Ms),
    formatCount(source.missing),
    formatCount(source.duplicates),
    formatCount(quarantinedOf(source)),
  ]);
  const right = ["/min", "/hour", "lag", "missing", "duplicates", "quarantined"];
  void out.line(renderTable(head, rows, { right, styleHead: (text) => out.style("bold", text) }));
}

function printSource({ out }: Io, source: Source): void {
  const line = (name: string, text: string): void => void out.line(`  ${name.padEnd(13)}${text}`);
  void out.line(`${out.style("bold", plainText(source.source))} in ${plainText(source.trail)}`);
  line("adapter", plainText(source.adapter === "" ? "none yet" : source.adapter));
  line("events", `${formatCount(source.events)}, ${formatCount(source.duplicates)} sent again`);
  line(
    "rate",
    `${formatCount(source.lastMinute)} in the last minute, ${formatCount(source.lastHour)} in the last hour`,
  );
  line("last event", `received ${shortTime(source.lastReceived)}, dated ${shortTime(source.lastOccurred)}`);
  const { lag, clockAheadMs } = source;
  if (lag !== undefined) line("lag", `${formatDuration(lag.p50Ms)} median, ${formatDuration(lag.p95Ms)} at 95 %`);
  if (clockAheadMs > 0) line("clock", out.style("yellow", `ahead of ours by ${formatDuration(clockAheadMs)} at least`));
  if (source.lossy > 0) line("lossy", `${formatCount(source.lossy)} events say that something before them may be lost`);
  for (const [why, count] of Object.entries(source.quarantined)) {
    line("quarantined", out.style("yellow", `${formatCount(count)} ${plainText(why)}`));
  }
  printGaps(line, source);
  for (const { trail, index, received, field, problem } of source.failures) {
    const where = field === "" ? "" : `${plainText(field, 100)} `;
    line(
      "failure",
      `${shortTime(received)}  ${where}${plainText(problem, 200)}  (evident show ${plainText(trail)}:${index})`,
    );
  }
}

function printGaps(line: (name: string, text: string) => void, { missing, sequences }: Source): void {
  const resets = sequences.reduce((sum, sequence) => sum + sequence.resets, 0);
  if (sequences.length > 0) {
    line(
      "sequence",
      `${formatCount(missing)} numbers missing, ${formatCount(resets)} resets, ${formatCount(sequences.length)} counters`,
    );
  }
  const gaps = sequences.flatMap(({ counter, gaps: found }) => found.map((gap) => ({ counter, ...gap })));
  for (const { counter, from, to, since } of gaps.slice(0, SHOWN_GAPS)) {
    line("gap", `${formatCount(from)} to ${formatCount(to)} since ${shortTime(since)} ${plainText(counter, 60)}`);
  }
  if (gaps.length > SHOWN_GAPS) line("gap", `${formatCount(gaps.length - SHOWN_GAPS)} more: --json lists them`);
}

/** `evident sources`: who sends, how much, how late and what is missing. */
export const sources = defineCommand({
  name: "sources",
  summary: "Show who sends events, how late they come, and what is missing.",
  about:
    "Per source: adapter, newest event, events per minute and hour, lag (received minus occurred), sequence numbers that did not come, " +
    "events sent again and records in quarantine. With a SOURCE: all that is known of it, with samples of what could not be read.",
  operands: { usage: "[SOURCE]", least: 0, most: 1 },
  examples: [
    { line: "evident sources", does: "A table of all." },
    { line: "evident sources shop-nginx", does: "One source, with its gaps and failures." },
  ],
  exits: { 14: "no such source" },
  flags: {
    ...clientFlags,
    trail: { kind: "text", value: "TRAIL", summary: "Only this trail. Default: all that the key sees." },
  },
  async run({ flags, operands, io }) {
    const client = openClient(flags, io);
    try {
      const [name] = operands;
      const query = { trail: flags.trail, source: name };
      const answer = parseMembers(
        await client.json({ path: "/v1/sources", query, signal: io.signal }),
        "list of sources",
      );
      const found = parseList(answer["sources"], "list of sources").map(parseSource);
      if (flags.json) void io.out.json(answer);
      else if (found.length === 0) {
        void io.out.line(
          name === undefined ? "no events yet: evident ingest FILE sends some" : `no source ${plainText(name)}`,
        );
      } else if (name === undefined) printTable(io, found);
      else for (const source of found) printSource(io, source);
      const behind = Number(answer["behind"]);
      if (behind > 0) void io.err.line(`${formatCount(behind)} entries are not counted yet`);
      return name !== undefined && found.length === 0 ? 14 : 0;
    } finally {
      client.close();
    }
  },
});
