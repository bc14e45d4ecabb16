import { makeEvent } from "./make-event.ts";
import { makeRandom } from "./random.ts";

/** An event that the server has said is stored. */
export interface Acknowledged {
  readonly id: string;
  readonly index: number;
}

/** What the clients of a load know when it ends. */
export interface LoadOutcome {
  readonly acknowledged: readonly Acknowledged[];
  /** Every id that was sent, answered or not. */
  readonly sent: ReadonlySet<string>;
  /** Indexes at which broken events were quarantined. */
  readonly quarantined: readonly number[];
  /** Answers other than stored, duplicate or quarantined, at most 100. */
  readonly refused: readonly string[];
}

/** Where the load goes; `label` begins every id. */
export interface LoadOptions {
  readonly url: string;
  readonly key: string;
  readonly trail: string;
  readonly writers: number;
  readonly label: string;
  /** Largest number of events in a request. Default 20. */
  readonly maxBatch?: number;
  /** Part of the batches that hold a broken event, between 0 and 1. Default 0. */
  readonly brokenShare?: number;
  /** Sent first of all: what an earlier load got no answer for. */
  readonly resend?: readonly string[];
}

interface Answers {
  readonly acknowledged: Acknowledged[];
  readonly sent: Set<string>;
  readonly quarantined: number[];
  readonly refused: string[];
}

/** Notes an answer line. Half a line, cut off by a crash, says nothing. */
function note(record: Answers, line: string): void {
  const result = JSON.parse(line) as { status?: string; id?: string; index?: number };
  if ((result.status === "stored" || result.status === "duplicate") && result.id !== undefined) {
    record.acknowledged.push({ id: result.id, index: result.index ?? -1 });
  } else if (result.status === "quarantined") {
    record.quarantined.push(result.index ?? -1);
  } else if (record.refused.length < 100) {
    record.refused.push(line);
  }
}

async function send(
  options: LoadOptions,
  record: Answers,
  batch: { readonly ids: readonly string[]; readonly isBroken: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { ids, isBroken } = batch;
  for (const id of ids) record.sent.add(id);
  const lines = ids.map((id) => JSON.stringify(makeEvent(id)));
  if (isBroken) lines.push(JSON.stringify({ ...makeEvent(`broken-${ids[0] ?? ""}`), actor: undefined }));
  const answer = await fetch(`${options.url}/v1/events?trail=${options.trail}`, {
    method: "POST",
    headers: { authorization: `Bearer ${options.key}`, "content-type": "application/x-ndjson" },
    body: lines.map((line) => `${line}\n`).join(""),
    signal,
  });
  if (!answer.ok || answer.body === null) {
    record.refused.push(`${answer.status} ${(await answer.text()).slice(0, 500)}`);
    return;
  }
  let rest = "";
  for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") note(record, line);
  }
}

/**
 * Sends events from several connections at once until `stop`, and records each acknowledgement as its line arrives,
 * so that an answer cut off by a crash still counts for the lines that came.
 */
export function startLoad(options: LoadOptions): { stop(): Promise<LoadOutcome> } {
  const { resend = [], brokenShare = 0 } = options;
  const record: Answers = { acknowledged: [], sent: new Set(), quarantined: [], refused: [] };
  const abort = new AbortController();
  const write = async (writer: number): Promise<void> => {
    const random = makeRandom(writer + 1);
    try {
      if (writer === 0 && resend.length > 0) {
        await send(options, record, { ids: resend, isBroken: false }, abort.signal);
      }
      for (let batch = 0; !abort.signal.aborted; batch += 1) {
        const count = 1 + Math.floor(random() * (options.maxBatch ?? 20));
        const ids = Array.from({ length: count }, (_, line) => `${options.label}-${writer}-${batch}-${line}`);
        await send(options, record, { ids, isBroken: random() < brokenShare }, abort.signal);
      }
    } catch {
      // The server is gone or the load was stopped: what was answered is recorded.
    }
  };
  const writers = Promise.all(Array.from({ length: options.writers }, (_, writer) => write(writer)));
  return {
    stop: async () => {
      abort.abort();
      await writers;
      return record;
    },
  };
}
