import { randomUUID } from "node:crypto";
import type { BodyLimits, BodyLine } from "../../capture/index.ts";
import {
  AdaptStream,
  adapterOptions,
  decodeBytes,
  firstKey,
  frameInput,
  type Reading,
  toSubmission,
} from "../../capture/index.ts";
import type { BodyFormat } from "./body-format.ts";

/** A body of records in their source's format. */
export interface AdaptedBody extends BodyFormat {
  readonly contentEncoding: string | undefined;
  readonly limits: BodyLimits;
  readonly nowMs: () => number;
}

/** Lines to check, and how many of the body's lines are kept nowhere because they are no accesses or part of another. */
export interface AdaptedLines {
  readonly lines: readonly BodyLine[];
  readonly skipped: number;
}

/**
 * Reads a body through adapters as it arrives.
 *
 * @throws EvidentError as `decodeBytes`, and `bad_request` for options that the adapter does not know
 */
export async function* adaptBody(source: AsyncIterable<Uint8Array>, body: AdaptedBody): AsyncGenerator<AdaptedLines> {
  const { adapters, limits } = body;
  const optionsOf = adapterOptions(adapters, body.options);
  const stream = new AdaptStream({
    adapters,
    optionsOf,
    context: { nowMs: body.nowMs },
    ...(body.source === undefined ? {} : { source: body.source }),
    key: firstKey(body.idempotencyKey ?? randomUUID()),
  });
  const framings = adapters.map(({ framing }) => framing);
  for await (const lines of frameInput(decodeBytes(source, body), framings, limits.lineBytes)) {
    yield toLines(stream.take(lines), body.source);
  }
  yield toLines(stream.end(), body.source);
}

/** What is submitted of readings. */
export function toLines(readings: readonly Reading[], source: string | undefined): AdaptedLines {
  const lines: BodyLine[] = [];
  let skipped = 0;
  for (const reading of readings) {
    const text = toSubmission(reading, source);
    if (text === undefined) skipped += reading.lines;
    else lines.push({ kind: "text", line: reading.line, text });
  }
  return { lines, skipped };
}
