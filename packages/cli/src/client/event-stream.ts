import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import { connectionError, type HttpClient, parseJson, readAll } from "./http-client.ts";
import { problemError } from "./problem-error.ts";

const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** An open stream sends a comment every 15 s. */
const SILENCE_MS = 60_000;
const RETRY_MS = [250, 1_000, 2_000, 5_000] as const;

interface Frame {
  readonly id: string | undefined;
  readonly data: string | undefined;
}

function parseFrame(text: string): Frame {
  let id: string | undefined;
  const data: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("id: ")) id = line.slice(4);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return { id, data: data.length === 0 ? undefined : data.join("\n") };
}

async function* frames(url: URL, body: IncomingMessage): AsyncGenerator<Frame> {
  let rest = "";
  body.setEncoding("utf8");
  try {
    for await (const part of body) {
      const found = (rest + (part as string)).split("\n\n");
      rest = found.pop() ?? "";
      if (rest.length > MAX_FRAME_BYTES) throw new EvidentError("too_large", "the stream has a frame above 4 MiB");
      for (const text of found) yield parseFrame(text);
    }
  } catch (cause) {
    throw connectionError(url, cause);
  }
}

/** What to follow. `onGap` is told when the connection was lost and is tried again. */
export interface FollowAsk {
  readonly q: string | undefined;
  readonly trail: readonly string[];
  readonly signal: AbortSignal;
  /** Awaited once when the stream is open, before its first entry. */
  readonly onOpen: () => Promise<void>;
  readonly onGap: (why: string, waitMs: number) => void;
}

/** Whether a refused or lost connection is worth another try. */
function isPassing(error: unknown): error is EvidentError {
  return error instanceof EvidentError && ["unreachable", "overloaded", "not_ready"].includes(error.code);
}

/**
 * Follows `/v1/tail` and yields the data of each entry. After a lost connection it goes on behind the last entry that it has seen, so that
 * none is missed or doubled.
 *
 * @throws EvidentError when the server refuses; a server that cannot be reached is an error only before the stream was open once
 */
export async function* followEntries(client: HttpClient, ask: FollowAsk): AsyncGenerator<string> {
  let lastId: string | undefined;
  let isOpen = false;
  let tries = 0;
  for (;;) {
    try {
      const answer = await client.send({
        path: "/v1/tail",
        query: { q: ask.q, ...(ask.trail.length === 0 ? {} : { trail: ask.trail }) },
        headers: { accept: "text/event-stream", ...(lastId === undefined ? {} : { "last-event-id": lastId }) },
        signal: ask.signal,
        silenceMs: SILENCE_MS,
      });
      if (answer.status !== 200) {
        const body = await readAll(client.url, answer.body);
        throw problemError(answer.status, parseJson(body));
      }
      for await (const { id, data } of frames(client.url, answer.body)) {
        if (!isOpen) await ask.onOpen();
        isOpen = true;
        tries = 0;
        lastId = id ?? lastId;
        if (data !== undefined) yield data;
      }
      throw new EvidentError("unreachable", "the server closed the stream");
    } catch (error) {
      ask.signal.throwIfAborted();
      if (lastId === undefined || !isPassing(error)) throw error;
      const waitMs = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] ?? 0;
      tries += 1;
      ask.onGap(error.message, waitMs);
      await sleep(waitMs, undefined, { signal: ask.signal });
    }
  }
}
