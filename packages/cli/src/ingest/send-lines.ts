import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import { connectionError, type HttpClient, problemError, readAll, strangeAnswer } from "../client/index.ts";
import type { LineOf, Tally } from "./counts.ts";
import type { LineBatch } from "./line-batches.ts";

/** How often the rest of a batch is sent again before giving up; the waits double from 250 ms to 8 s, a minute and a half in all. */
const TRIES = 15;
const MAX_WAIT_MS = 8_000;
/** A verdict names a bounded number of reasons; a server that sends more cannot fill the memory. */
const MAX_VERDICT_LENGTH = 4 << 20;

/** Where and how to send. `onWait` is told when the server is busy or away. */
export interface SendOptions {
  readonly client: HttpClient;
  readonly trail: string | undefined;
  readonly tally: Tally;
  readonly signal: AbortSignal;
  readonly onWait: (why: string, waitMs: number) => void;
  /** How often in a row a batch may fail in a way that may pass. Default: 15. */
  readonly tries?: number;
}

interface Sent {
  /** Lines with a verdict. */
  readonly answered: number;
  readonly failure?: EvidentError;
  readonly waitMs?: number;
}

function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return seconds >= 0 && seconds < 3_600 ? seconds * 1_000 : undefined;
}

function parseProblem(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Sends lines once, and counts each verdict as it comes: what was answered before a failure stays answered. */
async function sendOnce(options: SendOptions, lines: readonly Buffer[], lineOf: LineOf): Promise<Sent> {
  const { client, trail, tally, signal } = options;
  let answered = 0;
  try {
    const answer = await client.send({
      method: "POST",
      path: "/v1/events",
      query: { trail },
      headers: { "content-type": "application/x-ndjson" },
      body: Buffer.concat(lines),
      signal,
    });
    if (answer.status !== 200) {
      const body = await readAll(client.url, answer.body);
      const failure = problemError(answer.status, parseProblem(body.toString("utf8")));
      const waitMs = retryAfterMs(answer.headers["retry-after"]);
      return { answered, failure, ...(waitMs === undefined ? {} : { waitMs }) };
    }
    answer.body.setEncoding("utf8");
    let rest = "";
    for await (const part of answer.body) {
      const texts = (rest + (part as string)).split("\n");
      rest = texts.pop() ?? "";
      if (rest.length > MAX_VERDICT_LENGTH) throw strangeAnswer("list of verdicts");
      for (const text of texts) {
        if (text.startsWith('{"error":')) {
          const { error } = JSON.parse(text) as { readonly error: { readonly status?: unknown } | null };
          return { answered, failure: problemError(Number(error?.status), error) };
        }
        tally.take(text, lineOf);
        answered += 1;
      }
    }
    if (answered === lines.length) return { answered };
    return { answered, failure: new EvidentError("unreachable", "the server's answer ended too early") };
  } catch (cause) {
    signal.throwIfAborted();
    return { answered, failure: connectionError(client.url, cause) };
  }
}

const passing: readonly string[] = ["unreachable", "overloaded", "not_ready", "storage_full", "too_slow"];

/**
 * Sends a batch until every line has a verdict. After a failure that may pass, the lines without one are sent again: an event that was
 * stored although its answer was lost is then a duplicate, never stored twice.
 *
 * @throws EvidentError of the last failure, naming the first line without a verdict
 */
export async function sendBatch(options: SendOptions, batch: LineBatch): Promise<void> {
  const mostTries = options.tries ?? TRIES;
  let { lines } = batch;
  let sent = 0;
  for (let tries = 0; lines.length > 0; ) {
    const before = sent;
    const { answered, failure, waitMs } = await sendOnce(options, lines, (line) => batch.lineOf(before + line));
    lines = lines.slice(answered);
    sent += answered;
    if (failure === undefined) return;
    tries = answered > 0 ? 1 : tries + 1;
    if (!passing.includes(failure.code) || tries >= mostTries) {
      throw new EvidentError(
        failure.code,
        `${failure.message}; line ${batch.lineOf(sent + 1)} and what follows have no verdict`,
        {
          cause: failure,
          fix: `${failure.fix} Then send the whole file again: what is stored already is recognised.`,
        },
      );
    }
    const pauseMs = waitMs ?? Math.min(MAX_WAIT_MS, 250 * 2 ** (tries - 1));
    options.onWait(failure.message, pauseMs);
    await sleep(pauseMs, undefined, { signal: options.signal });
  }
}
