import { clientFlags, openClient } from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { formatFlags, openFormat, openInput, type Refusal, sendInput, Tally } from "../ingest/index.ts";
import { formatCount, formatDuration, ProgressBar, plainText } from "../terminal/index.ts";

const SHOWN_REFUSALS = 10;
const SHOWN_SKIPS = 8;

/** The first quarantined lines, so that somebody can correct the rest; more are in the trail. */
class Refusals {
  readonly #io: Io;
  readonly #bar: ProgressBar;
  #seen = 0;

  constructor(io: Io, bar: ProgressBar) {
    this.#io = io;
    this.#bar = bar;
  }

  add({ line, place, reasons }: Refusal): void {
    this.#seen += 1;
    if (this.#seen > SHOWN_REFUSALS) return;
    const { err } = this.#io;
    this.#bar.clear();
    for (const { field, problem, fix } of reasons.slice(0, 3)) {
      const where = field === "" ? "" : `${plainText(field, 200)} `;
      void err.line(
        `${err.style("yellow", `line ${formatCount(line)}`)}: ${where}${plainText(problem, 500)}. ${plainText(fix, 500)}`,
      );
    }
    void err.line(err.style("dim", plainText(`  in quarantine as ${place}`)));
  }

  finish(): void {
    const more = this.#seen - SHOWN_REFUSALS;
    if (more > 0) void this.#io.err.line(`and ${formatCount(more)} lines more: evident search kind:quarantine`);
  }
}

function printSummary({ out }: Io, { counts, skipped }: Tally, tookMs: number): void {
  const { read, accepted, duplicates, folded, quarantined } = counts;
  const rate = formatCount((read * 1_000) / Math.max(1, tookMs));
  void out.line(`${formatCount(read)} read in ${formatDuration(tookMs)}, ${rate}/s`);
  void out.line(`  ${out.style("green", `${formatCount(accepted)} stored`)}`);
  if (duplicates > 0) void out.line(`  ${formatCount(duplicates)} there already`);
  if (folded > 0) void out.line(`  ${formatCount(folded)} folded into summaries`);
  if (quarantined > 0) void out.line(`  ${out.style("yellow", `${formatCount(quarantined)} in quarantine`)}`);
  for (const [why, lines] of skipped.slice(0, SHOWN_SKIPS)) void out.line(`  ${formatCount(lines)} skipped: ${why}`);
  const rest = skipped.slice(SHOWN_SKIPS).reduce((sum, [, lines]) => sum + lines, 0);
  if (rest > 0) void out.line(`  ${formatCount(rest)} skipped for other reasons`);
}

/** `evident ingest`: a file of events to the server. */
export const ingest = defineCommand({
  name: "ingest",
  summary: "Send a file of events or a log in its own format.",
  about:
    "Events as NDJSON, a JSON array or one object, or the log of another system, such as nginx or CloudTrail: `evident adapters` lists " +
    "the formats. gzip and zstd are recognised, and so is the format. Every record is stored, found to be there already, or put into " +
    "quarantine with the reasons: never dropped; lines of a log that are no accesses are counted. A lost connection or a busy server is " +
    "waited for, and sending a file twice stores nothing twice, also when it has grown or was compressed since.",
  operands: { usage: "FILE|-", least: 1, most: 1 },
  examples: [
    { line: "evident ingest events.ndjson", does: "To the key's trail." },
    { line: "evident ingest access.log.gz --source shop", does: "A web server's log, as the source shop." },
    {
      line: "evident ingest audit.log --format kubernetes --option cluster=prod-eu",
      does: "The format by name, with an option of it.",
    },
    {
      line: "zcat events.gz | evident ingest - --trail main --json",
      does: "From a pipe; ends with the counts as JSON.",
    },
  ],
  exits: {
    0: "every line has a verdict, quarantined ones too",
    15: "the server stayed busy",
    21: "the server cannot be reached",
  },
  flags: {
    ...clientFlags,
    ...formatFlags,
    host: {
      kind: "text",
      value: "HOST",
      summary:
        "Where the log was written, when logs of several hosts come as one source: equal first lines of two of them are then two " +
        "accesses. Default: none, so that a file is recognised wherever it comes from.",
    },
    trail: { kind: "text", value: "TRAIL", summary: "Trail to store in. Default: the key's, else main." },
  },
  async run({ flags, operands, io }) {
    const format = openFormat(flags, io.workingDirectory);
    const input = openInput(operands[0] ?? "-", io.workingDirectory);
    const client = openClient(flags, io);
    const bar = new ProgressBar(io.err, "sending", "events");
    const refusals = new Refusals(io, bar);
    const tally = new Tally((refusal) => refusals.add(refusal));
    const startedMs = performance.now();
    const progress = (note?: string): void => bar.update(input.share(), tally.counts.read, note);
    const onWait = (why: string, waitMs: number): void => {
      const text = `waiting ${formatDuration(waitMs)}: ${plainText(why, 200)}`;
      if (io.err.isTerminal) progress(text);
      // No bar is drawn in a log, and a minute without a word looks like a program that hangs.
      else void io.err.line(text);
    };
    try {
      const sending = {
        bytes: input.bytes,
        format,
        host: flags.host ?? "",
        onRecognised: ({ name }: { readonly name: string }) => void io.err.line(`recognised as ${name}`),
        onBatch: () => progress(),
      };
      await sendInput({ client, trail: flags.trail, tally, signal: io.signal, onWait }, sending);
    } finally {
      bar.clear();
      refusals.finish();
      // Also when it ended early: what has a verdict has one.
      if (flags.json) void io.out.json(tally.counts);
      else printSummary(io, tally, performance.now() - startedMs);
      client.close();
    }
    return 0;
  },
});
