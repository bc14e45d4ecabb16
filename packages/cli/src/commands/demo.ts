import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import { clientFlags, type HttpClient, openClient } from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { incidents, LiveDemo, writeDemoFile } from "../demo/index.ts";
import { fileError } from "../files/index.ts";
import { sendBatch, Tally } from "../ingest/index.ts";
import { formatBytes, formatCount, formatPlural, ProgressBar, plainText } from "../terminal/index.ts";

const TRAIL = "demo";
const DEFAULT_RATE = 20;
const DEFAULT_SEED = 1;
const STEP_MS = 250;

async function ensureTrail(client: HttpClient, signal: AbortSignal): Promise<void> {
  try {
    await client.json({ path: `/v1/trails/${TRAIL}`, signal });
    return;
  } catch (cause) {
    if (!(cause instanceof EvidentError) || cause.code !== "not_found") throw cause;
  }
  const headers = { "content-type": "application/json" };
  await client.json({ method: "POST", path: "/v1/trails", headers, body: JSON.stringify({ name: TRAIL }), signal });
}

interface Streaming {
  readonly rate: number;
  readonly count: number | undefined;
  readonly seed: number;
  readonly json: boolean;
}

async function stream(io: Io, client: HttpClient, { rate, count, seed, json }: Streaming): Promise<void> {
  const demo = new LiveDemo(seed);
  const say = (text: string): void => {
    bar.clear();
    void io.err.line(text);
  };
  const bar = new ProgressBar(io.err, "demo", "events");
  const tally = new Tally(({ line, reasons }) => say(plainText(`line ${line}: ${reasons[0]?.problem ?? "refused"}`)));
  const options = {
    client,
    trail: TRAIL,
    tally,
    signal: io.signal,
    onWait: (why: string) => say(io.err.style("dim", plainText(why))),
  };
  const startedMs = Date.now();
  let sinceMs = startedMs;
  let sent = 0;
  const end = count ?? Number.POSITIVE_INFINITY;
  while (!io.signal.aborted && sent < end) {
    const nowMs = Date.now();
    const incident = demo.begin(nowMs);
    if (incident !== undefined) {
      say(`${io.err.style("yellow", incident.name)}: ${incident.summary}`);
      say(io.err.style("dim", `  evident search --trail ${TRAIL} '${incident.search}'`));
    }
    const due = Math.min(Math.floor(((nowMs - startedMs) * rate) / 1_000) - sent, end - sent);
    if (due > 0) {
      const lines = demo.take(sinceMs, nowMs, due).map((event) => Buffer.from(`${JSON.stringify(event)}\n`));
      const before = sent;
      await sendBatch(options, { lines, lineOf: (line) => before + line });
      sent += lines.length;
      sinceMs = nowMs;
      bar.update(count === undefined ? undefined : sent / count, sent);
    }
    await sleep(STEP_MS, undefined, { signal: io.signal }).catch(() => undefined);
  }
  bar.clear();
  if (json) void io.out.json(tally.counts);
  else
    void io.out.line(
      `${formatPlural(tally.counts.accepted, "event")} in the trail ${TRAIL}: evident search --trail ${TRAIL}`,
    );
}

async function writeFile(
  io: Io,
  out: string,
  options: { readonly count: number; readonly seed: number },
  json: boolean,
): Promise<void> {
  const bar = new ProgressBar(io.err, "writing", "events");
  const { count } = options;
  const written = await writeDemoFile(resolve(io.workingDirectory, out), options, (events, sizeBytes) =>
    bar.update(events / count, events, formatBytes(sizeBytes)),
  ).catch((cause: unknown) => {
    throw fileError(out, cause);
  });
  bar.clear();
  if (json) void io.out.json({ file: out, ...written });
  else
    void io.out.line(
      `${out}: ${formatCount(written.events)} events, ${formatBytes(written.sizeBytes)}; evident ingest ${out}`,
    );
}

/** `evident demo`: traffic of a small company that does not exist. */
export const demo = defineCommand({
  name: "demo",
  summary: "Stream realistic traffic, with incidents in it.",
  about:
    `The accesses of a small group of clinics: patients' records, SQL, Kubernetes, sign-ins, an AI assistant; about once a minute something ` +
    `happens that somebody should notice, and the search that finds it is printed. Only the trail ${TRAIL} is written, and made where it is ` +
    `missing. With --out the events go to a file instead: the same seed always gives the same bytes. Incidents: ${incidents.map(({ name }) => name).join(", ")}.`,
  examples: [
    { line: "evident demo", does: `${DEFAULT_RATE} events a second until Ctrl-C.` },
    {
      line: "evident demo --count 1000000 --out demo.ndjson",
      does: "A file of 650 MB for evident ingest; no server needed.",
    },
  ],
  flags: {
    ...clientFlags,
    rate: { kind: "whole", value: "N", least: 1, most: 20_000, summary: `Events a second. Default: ${DEFAULT_RATE}.` },
    count: {
      kind: "whole",
      value: "N",
      least: 1,
      most: 1_000_000_000,
      summary: "Stop after so many. Default: none; needed with --out.",
    },
    out: { kind: "text", value: "FILE", summary: "Write NDJSON to a file, over one that is there." },
    seed: {
      kind: "whole",
      value: "N",
      least: 0,
      most: 1_000_000_000,
      summary: `Where chance begins. Default: ${DEFAULT_SEED} with --out, else the time.`,
    },
  },
  async run({ flags, io }) {
    if (flags.out !== undefined) {
      if (flags.count === undefined)
        throw new EvidentError("bad_request", "--out needs --count", { fix: "Say how many: --count 100000." });
      await writeFile(io, flags.out, { count: flags.count, seed: flags.seed ?? DEFAULT_SEED }, flags.json);
      return 0;
    }
    const client = openClient(flags, io);
    try {
      await ensureTrail(client, io.signal);
      const seed = flags.seed ?? Date.now();
      await stream(io, client, { rate: flags.rate ?? DEFAULT_RATE, count: flags.count, seed, json: flags.json });
      return 0;
    } finally {
      client.close();
    }
  },
});
