import { Readable } from "node:stream";
import type { HttpClient } from "../client/index.ts";
import { parseList, parseMembers, problemError, readAll } from "../client/index.ts";
import { isResult, parseResult, type Result } from "./counts.ts";
import type { SendOptions } from "./send-lines.ts";

/** A JSON document that is no NDJSON goes as one body; it is sent once, since its parts cannot be told apart here. */
export async function sendDocument(options: SendOptions, bytes: AsyncIterable<Buffer>): Promise<void> {
  const { client, trail, tally, signal } = options;
  const answer = await client.send({
    method: "POST",
    path: "/v1/events",
    query: { trail },
    headers: { "content-type": "application/json" },
    body: Readable.from(bytes),
    signal,
  });
  const value = parseAnswer(client, answer.status, await readAll(client.url, answer.body));
  for (const result of value.results) tally.add(result, (line) => line);
  if (value.error !== undefined) throw problemError(Number(value.error["status"]), value.error);
}

interface Answer {
  readonly results: readonly Result[];
  readonly error?: Readonly<Record<string, unknown>>;
}

/** One object is answered with its verdict alone, whatever it is; an array with the list of them. */
function parseAnswer(client: HttpClient, status: number, body: Buffer): Answer {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw problemError(status, { detail: `${client.url.origin} answered ${status} with something that is not JSON` });
  }
  const found = parseMembers(value, "list of verdicts");
  if (isResult(found)) return { results: [found] };
  if (found["results"] === undefined) throw problemError(status, value);
  const results = parseList(found["results"], "list of verdicts").map(parseResult);
  const { error } = found;
  return error === undefined ? { results } : { results, error: parseMembers(error, "error") };
}
