import { closeSync, openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { ChildTask } from "./child-process.ts";
import { type Distribution, distributionOf } from "./measure.ts";

/** What the measuring process is given. `entry` is the packed SDK's. */
export interface SdkTaskInput {
  readonly entry: string;
  readonly url: string;
  readonly directory: string;
  readonly events: number;
  readonly warmup: number;
  readonly burst: number;
}

/** What it measured: microseconds of single calls. */
export interface SdkRun {
  readonly record: Distribution;
  readonly begun: Distribution;
  readonly bare: Distribution;
  readonly eventsPerSecond: number;
  readonly eventBytes: number;
  /** Events with a verdict when it ended. */
  readonly stored: number;
}

/** What the benchmark uses of the SDK; it is loaded from its tarball, where no compiler sees it. */
interface Client {
  record(event: object): { readonly kind: string };
  begin(what: string): { record(event: object): { readonly kind: string } };
  close(): Promise<{ readonly kind: string }>;
  stats(): { readonly sent: { readonly stored: number }; readonly accepted: number };
}

interface Sdk {
  readonly createEvident: (options: object) => Client;
}

function makeDraft(count: number): object {
  return {
    actor: { type: "user", id: `u-${count % 1_000}`, ns: "example", name: "Ada Example", groups: ["clinicians"] },
    action: { op: "READ", name: "GET /patients/:id", kind: "http" },
    resources: [{ type: "http.route", id: `p-${count}`, scope: ["/patients/:id"] }],
    outcome: { status: "success", code: "200" },
    source: {
      ip: "192.0.2.10",
      port: 51_234,
      ipTrust: "peer",
      userAgent: "Mozilla/5.0 (X11; Linux x86_64) Example/1.0",
    },
    trace: { requestId: `request-${count}` },
    labels: ["phi"],
  };
}

/** The same event, whole, as the bare loop writes it. */
function makeEvent(count: number): object {
  return {
    v: 1,
    id: `0198f0c2-1111-7111-8111-${String(count).padStart(12, "0")}`,
    time: { occurred: "2026-03-01T08:30:00.000000000Z", precision: "ms", basis: "event", tz: "stated" },
    ...makeDraft(count),
    origin: {
      system: "bench",
      adapter: "sdk",
      nativeId: `0198f0c2-1111-7111-8111-111111111111/${count}`,
      seq: String(count),
    },
  };
}

/** Times `call` for each event, a burst in each turn of the event loop. */
async function time(
  input: SdkTaskInput,
  call: (count: number) => void,
): Promise<{ readonly us: Distribution; readonly wallMs: number }> {
  const samples = new Float64Array(input.events);
  let wallMs = 0;
  for (let count = -input.warmup; count < input.events; ) {
    const startedMs = performance.now();
    for (let place = 0; place < input.burst && count < input.events; place += 1, count += 1) {
      const before = process.hrtime.bigint();
      call(count + input.warmup);
      const after = process.hrtime.bigint();
      if (count >= 0) samples[count] = Number(after - before) / 1_000;
    }
    if (count >= 0) wallMs += performance.now() - startedMs;
    await nextTurn();
  }
  return { us: distributionOf([...samples]), wallMs };
}

/** Measures the bare loop, then the SDK, in a process of its own. */
export const sdkRecordTask: ChildTask = async (text) => {
  const input = JSON.parse(text) as SdkTaskInput;
  const file = openSync(join(input.directory, "bare.ndjson"), "a");
  const bare = await time(input, (count) => void writeSync(file, `${JSON.stringify(makeEvent(count))}\n`));
  closeSync(file);
  const { createEvident } = (await import(pathToFileURL(input.entry).href)) as Sdk;
  const refused = { count: 0 };
  const note = ({ kind }: { readonly kind: string }): void => {
    if (kind !== "accepted") refused.count += 1;
  };
  const spool = { dir: join(input.directory, "spool"), maxBytes: 2 ** 40 };
  const evident = createEvident({ url: input.url, key: "bench", system: "bench", spool });
  const recorded = await time(input, (count) => note(evident.record(makeDraft(count))));
  const begun = await time(input, (count) => note(evident.begin("GET").record(makeDraft(count))));
  const { kind } = await evident.close();
  if (refused.count > 0 || kind !== "flushed")
    throw new Error(`${refused.count} events were refused; the end was ${kind}`);
  return {
    record: recorded.us,
    begun: begun.us,
    bare: bare.us,
    eventsPerSecond: (input.events / recorded.wallMs) * 1_000,
    eventBytes: JSON.stringify(makeEvent(1)).length,
    stored: evident.stats().sent.stored,
  } satisfies SdkRun;
};

/** A server that says of every line that it is stored, at once: the caller's thread is measured, not a server. */
export const sdkServerTask: ChildTask = async (_text, tell) => {
  const server = createServer((request, response) => {
    let lines = 0;
    request.on("data", (part: Buffer) => {
      for (let at = part.indexOf(10); at !== -1; at = part.indexOf(10, at + 1)) lines += 1;
    });
    request.on("end", () => response.end('{"line":1,"trail":"main","index":0,"status":"stored"}\n'.repeat(lines)));
  });
  server.listen(0, "127.0.0.1", () => tell(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  await new Promise((resolve) => {
    process.once("SIGTERM", resolve);
  });
  server.closeAllConnections();
};
