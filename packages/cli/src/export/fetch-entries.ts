import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError, type ExportedEntry, parseExportLine } from "@evident/core";
import {
  type Answer,
  connectionError,
  type HttpClient,
  parseJson,
  problemError,
  readAll,
  strangeAnswer,
} from "../client/index.ts";

const MAX_LINE_BYTES = 1024 * 1024;
const RETRY_MS = [250, 1_000, 2_000, 5_000, 10_000, 20_000] as const;

/** What to export. Times are as the server reads them. */
export interface ExportAsk {
  readonly q: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly trail: readonly string[];
  readonly receipts: boolean;
  readonly signal: AbortSignal;
  /** Told once, when the server has begun: `<time>,<trail>:<size>,…`. */
  readonly onOpen: (snapshot: string) => void;
  /** Told when the connection was lost and is tried again. */
  readonly onGap: (why: string, waitMs: number) => void;
}

/** Whole lines as they arrive, without their ends. @throws EvidentError `malformed` for one above 1 MiB, or without an end */
async function* linesOf(url: URL, body: IncomingMessage): AsyncGenerator<readonly string[]> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const part of body) {
      const bytes = Buffer.concat([rest, part as Buffer]);
      const end = bytes.lastIndexOf(0x0a);
      rest = bytes.subarray(end + 1);
      if (rest.length > MAX_LINE_BYTES) throw new EvidentError("malformed", "a line of the export is above 1 MiB");
      if (end >= 0) yield bytes.toString("utf8", 0, end).split("\n");
    }
  } catch (cause) {
    throw connectionError(url, cause);
  }
  if (rest.length > 0) throw new EvidentError("unreachable", "the export broke off within a line");
}

/** Where an export stands: what the server is asked for next. */
interface Progress {
  snapshot: string | undefined;
  last: string | undefined;
}

async function open(client: HttpClient, ask: ExportAsk, { snapshot, last }: Progress): Promise<Answer> {
  const trails = snapshot === undefined && ask.trail.length > 0 ? { trail: ask.trail } : {};
  const answer = await client.send({
    path: "/v1/export",
    query: {
      q: ask.q,
      from: ask.from,
      to: ask.to,
      ...trails,
      receipts: ask.receipts ? "true" : undefined,
      snapshot,
      after: last,
    },
    headers: { accept: "application/x-ndjson" },
    signal: ask.signal,
  });
  if (answer.status !== 200) throw problemError(answer.status, parseJson(await readAll(client.url, answer.body)));
  return answer;
}

function snapshotOf(header: string | readonly string[] | undefined): string {
  if (typeof header === "string" && header !== "") return header;
  throw strangeAnswer("export");
}

/** Entries of one answer. Returns when its last line says that it is whole. */
async function* readAnswer(
  client: HttpClient,
  body: IncomingMessage,
  progress: Progress,
): AsyncGenerator<readonly ExportedEntry[]> {
  let entries = 0;
  for await (const lines of linesOf(client.url, body)) {
    const batch: ExportedEntry[] = [];
    for (const text of lines) {
      const line = parseExportLine(text);
      if (line.kind === "end") {
        if (line.entries !== entries + batch.length)
          throw new EvidentError(
            "malformed",
            `${entries + batch.length} entries came, the server sent ${line.entries}`,
          );
        if (batch.length > 0) yield batch;
        return;
      }
      batch.push(line.entry);
    }
    entries += batch.length;
    const last = batch.at(-1);
    if (last === undefined) continue;
    progress.last = `${last.trail}:${last.index}`;
    yield batch;
  }
  throw new EvidentError("unreachable", "the export broke off");
}

/** Whether a refused or lost connection is worth another try. */
function isPassing(error: unknown): error is EvidentError {
  return error instanceof EvidentError && ["unreachable", "overloaded", "not_ready"].includes(error.code);
}

/**
 * Every entry of an export, oldest first. A connection that is lost is opened again behind the last entry that has arrived, with the same
 * snapshot: no entry is missed or doubled, and what is stored meanwhile does not come in.
 *
 * @throws EvidentError when the server refuses, or gives nothing new in seven tries
 */
export async function* fetchEntries(client: HttpClient, ask: ExportAsk): AsyncGenerator<readonly ExportedEntry[]> {
  const progress: Progress = { snapshot: undefined, last: undefined };
  for (let tries = 0; ; ) {
    try {
      const answer = await open(client, ask, progress);
      if (progress.snapshot === undefined) {
        progress.snapshot = snapshotOf(answer.headers["evident-export-snapshot"]);
        ask.onOpen(progress.snapshot);
      }
      for await (const batch of readAnswer(client, answer.body, progress)) {
        tries = 0;
        yield batch;
      }
      return;
    } catch (error) {
      ask.signal.throwIfAborted();
      const waitMs = RETRY_MS[tries];
      if (!isPassing(error) || progress.snapshot === undefined || waitMs === undefined) throw error;
      tries += 1;
      ask.onGap(error.message, waitMs);
      await sleep(waitMs, undefined, { signal: ask.signal });
    }
  }
}
