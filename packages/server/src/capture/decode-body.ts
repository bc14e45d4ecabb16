import { EvidentError } from "@evident/core";
import { type BodyChunk, type BodyLimits, type BodyLine } from "./body-line.ts";
import { decompress } from "./decompress.ts";
import { RecordBytes } from "./record-bytes.ts";
import { splitArray } from "./split-array.ts";
import { splitLines } from "./split-lines.ts";

const LINE_TYPES = /^application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines|jsonlines)$/;
const JSON_TYPES = /^(?:application\/json|application\/[\w.-]+\+json|text\/json)$/;
const CHARSETS = /^(?:utf-?8|us-ascii)$/;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const OPEN_ARRAY = 0x5b;

export interface BodyOptions {
  /** `Content-Type`: NDJSON, or JSON (an array is told from an object by its first character). */
  readonly contentType: string;
  /** `Content-Encoding`: absent, identity, gzip or zstd. */
  readonly contentEncoding: string | undefined;
  readonly limits: BodyLimits;
}

/** The first `bodyBytes`, however the source cuts them, then an error when there are more. */
async function* bounded(source: AsyncIterable<Uint8Array>, bodyBytes: number): AsyncGenerator<Uint8Array> {
  let roomBytes = bodyBytes;
  for await (const chunk of source) {
    const kept = chunk.subarray(0, roomBytes);
    roomBytes -= kept.length;
    if (kept.length > 0) yield kept;
    if (kept.length < chunk.length)
      throw new EvidentError("too_large", `the body has more than ${bodyBytes} bytes after decompression`);
  }
}

/** Takes a byte order mark off the beginning. */
async function* withoutMark(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of source) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length < BYTE_ORDER_MARK.length) continue;
    yield BYTE_ORDER_MARK.every((byte, i) => head?.[i] === byte) ? head.subarray(BYTE_ORDER_MARK.length) : head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}

/** The body from its first byte that is no white space on, with that byte; undefined for an empty body. */
async function skipSpace(
  source: AsyncIterator<Uint8Array>,
): Promise<{ readonly first: number; readonly rest: AsyncIterable<Uint8Array> } | undefined> {
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    const chunk = next.value;
    const at = chunk.findIndex((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
    if (at >= 0) return { first: chunk[at] ?? 0, rest: chain(chunk.subarray(at), source) };
  }
  return undefined;
}

async function* chain(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function readObject(source: AsyncIterable<Uint8Array>, limitBytes: number): Promise<readonly BodyLine[]> {
  const record = new RecordBytes(limitBytes);
  for await (const chunk of source) record.add(chunk);
  return record.finish(1);
}

function decode(source: AsyncIterable<Uint8Array>, contentEncoding: string | undefined): AsyncIterable<Uint8Array> {
  const encoding = (contentEncoding ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return source;
  if (encoding === "gzip" || encoding === "x-gzip") return decompress(source, "gzip");
  if (encoding === "zstd") return decompress(source, "zstd");
  throw new EvidentError("unsupported_media", `content encoding ${JSON.stringify(encoding.slice(0, 40))}`, {
    fix: "Send the body plain, or with gzip or zstd.",
  });
}

/** What a body is by its `Content-Type`. @throws EvidentError `unsupported_media` */
function kindOf(contentType: string): "lines" | "json" {
  const [type = "", ...parameters] = contentType.toLowerCase().split(";");
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"]*?)"?\s*$/.exec(parameter)?.[1])
    .find((value) => value !== undefined);
  if (charset !== undefined && !CHARSETS.test(charset)) {
    throw new EvidentError("unsupported_media", `charset ${JSON.stringify(charset.slice(0, 40))}`, {
      fix: "Send UTF-8.",
    });
  }
  const essence = type.trim();
  if (LINE_TYPES.test(essence)) return "lines";
  if (JSON_TYPES.test(essence)) return "json";
  const fix = "Send application/x-ndjson (one event a line) or application/json (an event or an array of events).";
  throw new EvidentError("unsupported_media", `content type ${JSON.stringify(contentType.slice(0, 80))}`, { fix });
}

/**
 * The bytes of a body after decompression, without a byte order mark, up to the limit.
 *
 * @throws EvidentError `bad_request`, `too_large`, `unsupported_media`; what came before has been yielded
 */
export function decodeBytes(
  source: AsyncIterable<Uint8Array>,
  { contentEncoding, limits }: Pick<BodyOptions, "contentEncoding" | "limits">,
): AsyncGenerator<Uint8Array> {
  return bounded(withoutMark(decode(source, contentEncoding)), limits.bodyBytes);
}

/**
 * Decodes the body of a submission as it arrives: one object, an array (element by element) or NDJSON, plain or compressed, in bounded
 * memory. Records that are no text or too long are yielded as such; they cost the others nothing.
 *
 * @throws EvidentError `bad_request` (empty, cut off, a broken array), `too_large`, `unsupported_media`; what came before has been yielded
 */
export async function* decodeBody(source: AsyncIterable<Uint8Array>, options: BodyOptions): AsyncGenerator<BodyChunk> {
  const { limits } = options;
  const kind = kindOf(options.contentType);
  const bytes = decodeBytes(source, options);
  let isEmpty = true;
  for await (const chunk of kind === "lines" ? linesOf(bytes, limits) : valuesOf(bytes, limits)) {
    isEmpty = false;
    if (chunk.lines.length > 0) yield chunk;
  }
  if (isEmpty) throw new EvidentError("bad_request", "the body is empty", { fix: "Send at least one event." });
}

async function* linesOf(bytes: AsyncIterable<Uint8Array>, { lineBytes }: BodyLimits): AsyncGenerator<BodyChunk> {
  for await (const lines of splitLines(bytes, lineBytes)) yield { shape: "lines", lines };
}

async function* valuesOf(bytes: AsyncGenerator<Uint8Array>, { lineBytes }: BodyLimits): AsyncGenerator<BodyChunk> {
  try {
    const body = await skipSpace(bytes);
    if (body === undefined) return;
    if (body.first !== OPEN_ARRAY) {
      yield { shape: "object", lines: await readObject(body.rest, lineBytes) };
      return;
    }
    // An array without elements is a body without events, not an empty body.
    yield { shape: "array", lines: [] };
    for await (const lines of splitArray(body.rest, lineBytes)) yield { shape: "array", lines };
  } finally {
    // Read by hand above: who stops early must still release the source.
    await bytes.return(undefined);
  }
}
