import { resolve } from "node:path";
import {
  defaultCsvColumns,
  EvidentError,
  type ExportTextFormat,
  exportTextFormats,
  lookUpCsvColumn,
  makeExportText,
} from "@evident/core";
import { clientFlags, openClient } from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { type EntrySink, fetchEntries, ParquetSink, PartialFile, type SinkResult, TextSink } from "../export/index.ts";
import { formatBytes, formatCount, formatDuration, formatPlural, ProgressBar, plainText } from "../terminal/index.ts";

type Format = ExportTextFormat | "parquet";

const formats: readonly Format[] = [...exportTextFormats, "parquet"];

/** Formats by the ending of the output's name. */
const endings: readonly (readonly [ending: RegExp, format: Format])[] = [
  [/[.-]ocsf\.(?:ndjson|jsonl?)$/i, "ocsf"],
  [/\.csv$/i, "csv"],
  [/\.parquet$/i, "parquet"],
  [/\.(?:ndjson|jsonl)$/i, "ndjson"],
];

function usage(message: string, fix: string): EvidentError {
  return new EvidentError("bad_request", message, { fix });
}

function formatOf(given: string | undefined, output: string): Format {
  if (given === undefined) return endings.find(([ending]) => ending.test(output))?.[1] ?? "ndjson";
  const format = formats.find((each) => each === given);
  if (format !== undefined) return format;
  throw usage(`there is no format ${JSON.stringify(plainText(given, 40))}`, `Give one of ${formats.join(", ")}.`);
}

function columnsOf(given: string | undefined, format: Format): readonly string[] {
  if (given === undefined) return defaultCsvColumns;
  if (format !== "csv") throw usage(`--columns are of csv, not of ${format}`, "Leave --columns out.");
  return given.split(",").map((written) => {
    const found = lookUpCsvColumn(written.trim());
    if (found.kind === "known") return found.name;
    const fix = found.nearest === undefined ? "Name fields as in a search." : `Did you mean ${found.nearest}?`;
    throw usage(`there is no column ${JSON.stringify(plainText(written.trim(), 60))}`, fix);
  });
}

interface Wanted {
  readonly output: string;
  readonly format: Format;
  readonly columns: readonly string[];
  readonly receipts: boolean;
  readonly force: boolean;
}

interface Given {
  readonly output: string | undefined;
  readonly format: string | undefined;
  readonly columns: string | undefined;
  readonly receipts: boolean;
  readonly "no-receipts": boolean;
  readonly force: boolean;
}

function readWanted(given: Given, { out }: Io): Wanted {
  const output = given.output ?? "-";
  const format = formatOf(given.format, output);
  const columns = columnsOf(given.columns, format);
  if (given.receipts && given["no-receipts"])
    throw usage("--receipts and --no-receipts exclude each other", "Give one of them.");
  if (given.receipts && (format === "csv" || format === "parquet"))
    throw usage(`receipts have no place in ${format}`, "Export ndjson or ocsf, or the column leafHash.");
  if (output === "-" && format === "parquet")
    throw usage("a Parquet file needs a name", "Write --output FILE.parquet.");
  if (output === "-" && out.isTerminal)
    throw usage("an export is not for a terminal", "Write --output FILE, or a pipe; evident search shows entries.");
  const receipts = format === "ocsf" ? !given["no-receipts"] : given.receipts;
  return { output, format, columns, receipts, force: given.force };
}

async function openSink(io: Io, wanted: Wanted): Promise<EntrySink> {
  const { output, format, columns, force } = wanted;
  const file = output === "-" ? undefined : await PartialFile.create(resolve(io.workingDirectory, output), force);
  if (format !== "parquet") return TextSink.open(file ?? io.out, makeExportText(format, columns));
  if (file === undefined) throw usage("a Parquet file needs a name", "Write --output FILE.parquet.");
  return ParquetSink.open(file, io.signal);
}

/** Sizes that the server's snapshot names; their sum is how many entries there are before anything is filtered. */
function sizesOf(snapshot: string): Readonly<Record<string, number>> {
  const parts = snapshot.split(",").slice(1);
  return Object.fromEntries(
    parts.map((part) => {
      const at = part.lastIndexOf(":");
      return [part.slice(0, at), Number(part.slice(at + 1))] as const;
    }),
  );
}

interface Exported {
  readonly entries: number;
  readonly snapshot: string;
  readonly gaps: number;
}

type Fetched = AsyncIterable<Parameters<EntrySink["write"]>[0]>;

/** Moves everything into the sink, with progress on stderr. */
class Transfer {
  readonly #io: Io;
  readonly #bar: ProgressBar;
  readonly #isFiltered: boolean;
  #entries = 0;
  #snapshot = "";
  #gaps = 0;
  #total = 0;

  constructor(io: Io, isFiltered: boolean) {
    this.#io = io;
    this.#bar = new ProgressBar(io.err, "exporting", "entries");
    this.#isFiltered = isFiltered;
  }

  get result(): Exported {
    return { entries: this.#entries, snapshot: this.#snapshot, gaps: this.#gaps };
  }

  onOpen(snapshot: string): void {
    this.#snapshot = snapshot;
    this.#total = Object.values(sizesOf(snapshot)).reduce((sum, size) => sum + size, 0);
  }

  onGap(why: string, waitMs: number): void {
    this.#gaps += 1;
    this.#bar.clear();
    void this.#io.err.line(
      this.#io.err.style("dim", `${plainText(why, 200)}; going on in ${formatDuration(waitMs)}, nothing is missed`),
    );
  }

  async run(fetched: Fetched, sink: EntrySink): Promise<SinkResult> {
    try {
      for await (const entries of fetched) {
        await sink.write(entries);
        this.#entries += entries.length;
        const share = this.#isFiltered || this.#total === 0 ? undefined : this.#entries / this.#total;
        this.#bar.update(share, this.#entries);
      }
      this.#bar.update(undefined, this.#entries, "finishing");
      return await sink.finish();
    } catch (cause) {
      await sink.discard();
      throw cause;
    } finally {
      this.#bar.clear();
    }
  }
}

async function printSummary(
  io: Io,
  wanted: Wanted,
  exported: Exported,
  written: SinkResult,
  tookMs: number,
  json: boolean,
): Promise<void> {
  const { output, format, receipts } = wanted;
  const { entries, snapshot, gaps } = exported;
  const { sizeBytes, sha256, notes } = written;
  // What goes to stdout is the export itself, so what is said of it goes to stderr.
  const to = output === "-" ? io.err : io.out;
  for (const note of notes) void io.err.line(io.err.style("yellow", note));
  if (json) {
    await to.json({
      output,
      format,
      complete: true,
      entries,
      sizeBytes,
      sha256,
      receipts,
      snapshot,
      trails: sizesOf(snapshot),
      reconnected: gaps,
      notes,
    });
    return;
  }
  const rate = formatCount((entries * 1_000) / Math.max(1, tookMs));
  const what = `${formatPlural(entries, "entry", "entries")}, ${formatBytes(sizeBytes)}, in ${formatDuration(tookMs)}, ${rate}/s`;
  await to.line(output === "-" ? what : `${plainText(output)}: ${what}`);
  if (output !== "-") await to.line(to.style("dim", `sha256 ${sha256}`));
}

/** `evident export`: entries as a file. */
export const exportEntries = defineCommand({
  name: "export",
  summary: "Write entries to a file: NDJSON, CSV, OCSF or Parquet.",
  about:
    "Every entry that matches and is stored when the export begins, by time, of any number in the same memory. The file gets its name when " +
    "it is whole. A lost connection goes on where it was. Export and end are recorded in the trail evident-reads. docs/export.md describes " +
    "the formats: NDJSON has each entry exactly as stored, CSV runs no formulas, OCSF 1.8 carries the receipt of each entry, Parquet is typed.",
  operands: { usage: "[QUERY]", least: 0, most: 50 },
  examples: [
    { line: "evident export --output all.ndjson", does: "Everything that this key sees." },
    {
      line: "evident export label:phi --from 2026-01-01 --to 2026-03-31 --output phi.csv --columns time,actor,op,resource,ip",
      does: "A quarter of accesses to health information, for a spreadsheet.",
    },
    { line: "evident export --trail main --output main.parquet", does: "One trail for DuckDB, pandas or Spark." },
    {
      line: "evident export status:denied --format ocsf | zstd > denied.ocsf.ndjson.zst",
      does: "For a security data lake, through a pipe; the exit code says whether it is whole.",
    },
  ],
  exits: {
    0: "the export is whole",
    11: "the file exists already",
    21: "the server cannot be reached, or stayed away",
    74: "the reader of the pipe left before the end",
  },
  flags: {
    ...clientFlags,
    output: { kind: "text", short: "o", value: "FILE", summary: "File to write; - for stdout. Default: -." },
    format: {
      kind: "text",
      value: "FORMAT",
      summary: "ndjson, csv, ocsf or parquet. Default: by the file's name, else ndjson.",
    },
    from: {
      kind: "text",
      value: "TIME",
      summary: "Not before: RFC 3339, a date in UTC, or -24h. Default: the beginning.",
    },
    to: { kind: "text", value: "TIME", summary: "Before; a date includes its day. Default: the end." },
    trail: { kind: "texts", value: "TRAIL", summary: "Only this trail; repeat it. Default: all but the system's." },
    columns: {
      kind: "text",
      value: "A,B",
      summary: "Columns of CSV: fields as in a search, and leafHash. Default: the 27 of docs/export.md.",
    },
    receipts: { kind: "switch", summary: "Also in NDJSON each entry with its receipt." },
    "no-receipts": { kind: "switch", summary: "OCSF without receipts: a tenth of the size." },
    force: { kind: "switch", summary: "Write over a file that is there." },
  },
  async run({ flags, operands, io }) {
    const wanted = readWanted(flags, io);
    const client = openClient(flags, io);
    const startedMs = performance.now();
    const q = operands.length === 0 ? undefined : operands.join(" ");
    const isFiltered = [q, flags.from, flags.to].some((value) => value !== undefined);
    const transfer = new Transfer(io, isFiltered);
    try {
      const sink = await openSink(io, wanted);
      const fetched = fetchEntries(client, {
        q,
        from: flags.from,
        to: flags.to,
        trail: flags.trail,
        receipts: wanted.receipts,
        signal: io.signal,
        onOpen: (snapshot) => transfer.onOpen(snapshot),
        onGap: (why, waitMs) => transfer.onGap(why, waitMs),
      });
      const written = await transfer.run(fetched, sink);
      await printSummary(io, wanted, transfer.result, written, performance.now() - startedMs, flags.json);
      return 0;
    } finally {
      client.close();
    }
  },
});
