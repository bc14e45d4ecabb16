import { EvidentError } from "@evident/core";
import {
  clientFlags,
  type HttpClient,
  openClient,
  parseLine,
  parseList,
  parseMembers,
  type SearchAsk,
  searchPages,
  strangeAnswer,
} from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { hitColumns, parseHit } from "../render/index.ts";
import { escapeJson, formatCount, formatPlural, renderTable } from "../terminal/index.ts";

const DEFAULT_LIMIT = 100;

interface Stats {
  readonly count: number;
  readonly top: readonly (readonly [string, readonly { readonly value: string; readonly count: number }[]])[];
}

function parseStats(value: unknown): Stats {
  const { count, top: found } = parseMembers(value, "count");
  if (typeof count !== "number") throw strangeAnswer("count");
  const top = Object.entries(parseMembers(found ?? {}, "list of values")).map(([field, values]) => {
    const rows = parseList(values, "list of values").map((row) => parseMembers(row, "value"));
    return [field, rows.map((row) => ({ value: String(row["value"]), count: Number(row["count"]) }))] as const;
  });
  return { count, top };
}

async function printLines({ out }: Io, client: HttpClient, ask: SearchAsk): Promise<void> {
  for await (const lines of searchPages(client, ask)) {
    if (lines.length > 0) await out.write(`${lines.map(escapeJson).join("\n")}\n`);
  }
}

async function printTable({ out, err }: Io, client: HttpClient, ask: SearchAsk): Promise<void> {
  let shown = 0;
  for await (const lines of searchPages(client, ask)) {
    const hits = lines.map((line) => parseHit(parseLine(line)));
    const rows = hits.map((hit) => {
      const { time, who, what, resource, outcome, from } = hitColumns(hit);
      return [time, who, what, resource, outcome, from, `${hit.trail}:${hit.index}`];
    });
    if (rows.length === 0) continue;
    const head = ["time", "who", "what", "resource", "outcome", "from", "entry"];
    const styleHead = (text: string): string => (shown === 0 ? out.style("bold", text) : out.style("dim", text));
    await out.write(`${renderTable(head, rows, { styleHead })}\n`);
    shown += rows.length;
  }
  if (shown === 0) {
    const isBounded = ask.from !== undefined || ask.to !== undefined;
    const wider = isBounded ? "widen the time with --from and --to" : "say less";
    void err.line(`nothing found: ${wider}, or count what there is with evident search --count`);
  } else if (shown === ask.limit)
    void err.line(
      err.style("dim", `the first ${formatCount(shown)}: --limit N or --all shows more, where there is more`),
    );
}

async function printStats(
  io: Io,
  client: HttpClient,
  ask: SearchAsk,
  top: readonly string[],
  json: boolean,
): Promise<void> {
  const { q, from, to, trail, signal } = ask;
  const query = { q, from, to, ...(trail.length === 0 ? {} : { trail }), ...(top.length === 0 ? {} : { top }) };
  const answer = await client.json({ path: "/v1/stats", query, signal });
  const stats = parseStats(answer);
  if (json) {
    void io.out.json(answer);
    return;
  }
  void io.out.line(top.length === 0 ? String(stats.count) : formatPlural(stats.count, "entry", "entries"));
  for (const [field, values] of stats.top) {
    const rows = values.map(({ value, count }) => [value, formatCount(count)]);
    const table = renderTable([field, "entries"], rows, {
      right: ["entries"],
      styleHead: (text) => io.out.style("bold", text),
    });
    void io.out.line(`\n${table}`);
  }
}

/** `evident search`: entries by what they say, newest first. */
export const search = defineCommand({
  name: "search",
  summary: "Find entries.",
  about:
    "The search language: field:value, field:>=5, field:[a TO b], * and ?, quotes, and or not, parentheses, time:>-24h, " +
    "source.ip:10.0.0.0/8, and plain words, which are looked for everywhere in an entry. Fields have short names: actor, op, action, " +
    "resource, status, ip, source, label. Whatever a search shows is recorded in the trail evident-reads before it is shown.",
  operands: { usage: "[QUERY]", least: 0, most: 50 },
  examples: [
    { line: "evident search status:denied --from -24h", does: "What was denied in the last day." },
    { line: "evident search 'actor:svc-billing and not op:READ' --all --json", does: "All of it, one entry a line." },
    { line: "evident search label:phi --top actor.id", does: "Who touched protected health information, most first." },
    { line: "evident search --count", does: "How many entries there are." },
  ],
  flags: {
    ...clientFlags,
    from: {
      kind: "text",
      value: "TIME",
      summary: "Not before: RFC 3339, a date in UTC, or -24h. Default: the beginning.",
    },
    to: { kind: "text", value: "TIME", summary: "Before; a date includes its day. Default: the end." },
    trail: { kind: "texts", value: "TRAIL", summary: "Only this trail; repeat it. Default: all but the system's." },
    limit: {
      kind: "whole",
      value: "N",
      least: 1,
      most: 1_000_000_000,
      summary: `Entries at most. Default: ${DEFAULT_LIMIT}.`,
    },
    all: { kind: "switch", summary: "Every entry that matches." },
    oldest: { kind: "switch", summary: "Oldest first." },
    count: { kind: "switch", summary: "Only the number of entries." },
    top: { kind: "texts", value: "FIELD", summary: "Only the most frequent values of a field; repeat it." },
  },
  async run({ flags, operands, io }) {
    if (flags.all && flags.limit !== undefined) {
      throw new EvidentError("bad_request", "--all and --limit exclude each other", { fix: "Give one of them." });
    }
    const client = openClient(flags, io);
    const ask: SearchAsk = {
      // Words that the shell has taken apart belong together; what was quoted for us is one operand.
      q: operands.length === 0 ? undefined : operands.join(" "),
      from: flags.from,
      to: flags.to,
      trail: flags.trail,
      order: flags.oldest ? "oldest" : "newest",
      limit: flags.all ? undefined : (flags.limit ?? DEFAULT_LIMIT),
      signal: io.signal,
    };
    try {
      if (flags.count || flags.top.length > 0) await printStats(io, client, ask, flags.top, flags.json);
      else if (flags.json) await printLines(io, client, ask);
      else await printTable(io, client, ask);
      return 0;
    } finally {
      client.close();
    }
  },
});
