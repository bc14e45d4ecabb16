import { EvidentError } from "@evident/core";
import { type BodyChunk, type BodyLimits, type BodyLine } from "./body-line.ts";
import { decompress } from "./decompress.ts";
import { RecordBytes } from "./record-bytes.ts";
import { splitArray } from "./split-array.ts";
import { splitLines } from "./split-lines.ts";

const LINE_TYPES = /^application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines|jsonlines|json-seq)\b/;
const JSON_TYPES = /^(?:application\/json|application\/[\w.-]+\+json|text\/json)\b/;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const OPEN_ARRAY = 0x5b;

export interface BodyOptions {
  /** `Content-Type`: NDJSON, or JSON (an array is told from an object by its first character). */
  readonly contentType: string;
  /** `Content-Encoding`: absent, identity, gzip or zstd. */
  readonly contentEncoding: string | undefined;
  readonly limits: BodyLimits;
}

async function* bounded(source: AsyncIterable<Uint8Array>, bodyBytes: number): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of source) {
    sizeBytes += chunk.length;
    if (sizeBytes > bodyBytes)
      throw new EvidentError("too_large", `the body has more than ${bodyBytes} bytes after decompression`);
    if (chunk.length > 0) yield chunk;
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

/**
 * Decodes the body of a submission as it arrives: one object, an array (element by element) or NDJSON, plain or compressed, in bounded
 * memory. Records that are no text or too long are yielded as such; they cost the others nothing.
 *
 * @throws EvidentError `bad_request` (empty, cut off, a broken array), `too_large`, `unsupported_media`; what came before has been yielded
 */
export async function* decodeBody(source: AsyncIterable<Uint8Array>, options: BodyOptions): AsyncGenerator<BodyChunk> {
  const { limits } = options;
  const contentType = options.contentType.trim().toLowerCase();
  const bytes = bounded(withoutMark(decode(source, options.contentEncoding)), limits.bodyBytes);
  let empty = true;
  if (LINE_TYPES.test(contentType)) {
    for await (const lines of splitLines(bytes, limits.lineBytes)) {
      empty = false;
      yield { shape: "lines", lines };
    }
  } else if (JSON_TYPES.test(contentType)) {
    const body = await skipSpace(bytes);
    if (body?.first === OPEN_ARRAY) {
      empty = false;
      for await (const lines of splitArray(body.rest, limits.lineBytes)) yield { shape: "array", lines };
    } else if (body !== undefined) {
      empty = false;
      yield { shape: "object", lines: await readObject(body.rest, limits.lineBytes) };
    }
  } else {
    const fix = "Send application/x-ndjson (one event a line) or application/json (an event or an array of events).";
    throw new EvidentError("unsupported_media", `content type ${JSON.stringify(contentType.slice(0, 80))}`, { fix });
  }
  if (empty) throw new EvidentError("bad_request", "the body is empty", { fix: "Send at least one event." });
}
