import { clientFlags, followEntries, type HttpClient, openClient, parseLine, searchPages } from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { hitLine, parseHit } from "../render/index.ts";
import { escapeJson, plainText } from "../terminal/index.ts";

const DEFAULT_LINES = 20;

interface TailAsk {
  readonly q: string | undefined;
  readonly trail: readonly string[];
  readonly json: boolean;
}

async function printLine({ out }: Io, line: string, json: boolean): Promise<void> {
  await out.line(json ? escapeJson(line) : hitLine(parseHit(parseLine(line)), out));
}

/** Where an entry lies: what a line begins with. */
function placeOf(line: string): string {
  return line.slice(0, line.indexOf(',"entry":'));
}

/** Prints the newest entries, oldest of them first, and returns where they lie. */
async function printNewest(io: Io, client: HttpClient, ask: TailAsk, lines: number): Promise<ReadonlySet<string>> {
  if (lines === 0) return new Set();
  const newest: string[] = [];
  const search = {
    q: ask.q,
    from: undefined,
    to: undefined,
    trail: ask.trail,
    order: "newest",
    signal: io.signal,
  } as const;
  for await (const page of searchPages(client, { ...search, limit: lines })) newest.push(...page);
  for (const line of newest.reverse()) await printLine(io, line, ask.json);
  return new Set(newest.map(placeOf));
}

/** The stream is opened before the newest entries are looked up: what is stored meanwhile may be in both, and is printed once. */
async function follow(io: Io, client: HttpClient, ask: TailAsk, lines: number): Promise<void> {
  let printed: ReadonlySet<string> = new Set();
  const say = (text: string): void => void io.err.line(io.err.style("dim", plainText(text)));
  const entries = followEntries(client, {
    q: ask.q,
    trail: ask.trail,
    signal: io.signal,
    onOpen: async () => {
      printed = await printNewest(io, client, ask, lines);
      say("following; Ctrl-C ends it");
    },
    onGap: (why, waitMs) => say(`${why}; trying again in ${waitMs / 1_000} s, nothing is missed`),
  });
  for await (const data of entries) if (!printed.has(placeOf(data))) await printLine(io, data, ask.json);
}

/** `evident tail`: the newest entries, and with -f those to come. */
export const tail = defineCommand({
  name: "tail",
  summary: "Show the newest entries, and follow.",
  about:
    "With -f it goes on after a lost connection where it was. Opening and closing a tail are recorded in the trail evident-reads.",
  operands: { usage: "[QUERY]", least: 0, most: 50 },
  examples: [
    { line: "evident tail -f", does: "Everything that comes in." },
    { line: "evident tail -f 'status:denied or label:privileged' --json", does: "Some of it, one entry a line." },
  ],
  flags: {
    ...clientFlags,
    follow: { kind: "switch", short: "f", summary: "Go on with what comes in, until Ctrl-C." },
    lines: {
      kind: "whole",
      short: "n",
      value: "N",
      least: 0,
      most: 10_000,
      summary: `Newest entries to begin with. Default: ${DEFAULT_LINES}, with -f 0.`,
    },
    trail: { kind: "texts", value: "TRAIL", summary: "Only this trail; repeat it. Default: all but the system's." },
  },
  async run({ flags, operands, io }) {
    const client = openClient(flags, io);
    const ask = { q: operands.length === 0 ? undefined : operands.join(" "), trail: flags.trail, json: flags.json };
    const lines = flags.lines ?? (flags.follow ? 0 : DEFAULT_LINES);
    try {
      if (flags.follow) await follow(io, client, ask, lines);
      else await printNewest(io, client, ask, lines);
      return 0;
    } catch (cause) {
      // Ctrl-C is how following ends.
      if (flags.follow && io.signal.aborted) return 0;
      throw cause;
    } finally {
      client.close();
    }
  },
});
