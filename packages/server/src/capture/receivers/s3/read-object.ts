import { EvidentError } from "@evident/core";
import { AdaptStream, firstKey, frameInput, type Reading, toSubmission } from "../../adapt/index.ts";
import type { BodyLimits, BodyLine } from "../../body-line.ts";
import { decodeBytes } from "../../decode-body.ts";
import type { ReceiverFormat } from "../format.ts";
import type { Sender, Sink } from "../sink.ts";
import type { Bucket, ListedObject } from "./bucket.ts";

/** What objects are read with. */
export interface ObjectReader {
  readonly bucket: Bucket;
  /** Name of the bucket. */
  readonly bucketName: string;
  readonly format: ReceiverFormat;
  readonly limits: BodyLimits;
  readonly sender: Sender;
  readonly sink: Sink;
  readonly onBytes: (sizeBytes: number) => void;
  readonly nowMs: () => number;
}

/** What an object came to. */
export interface ReadObject {
  readonly stored: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly skipped: number;
  /** Why its end could not be read, whenever it is tried: it is damaged or too large. */
  readonly failed?: string;
}

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/**
 * Reads one object and stores its records; resolves when they are durable. The same object gives the same ids whenever it is read: after a
 * crash in the middle it is read again and what was stored is known.
 *
 * @throws what the bucket or the sink throws: the object can be tried again
 */
export async function readObject(reader: ObjectReader, object: ListedObject, signal: AbortSignal): Promise<ReadObject> {
  const { format, sender, sink } = reader;
  const counts = { stored: 0, duplicates: 0, quarantined: 0, skipped: 0 };
  const stream = new AdaptStream({
    adapters: format.adapters,
    optionsOf: format.optionsOf,
    context: { nowMs: reader.nowMs },
    source: sender.source,
    key: firstKey(`s3 ${reader.bucketName}/${object.key}@${object.etag}`),
  });
  const store = async (readings: readonly Reading[]): Promise<void> => {
    const lines: BodyLine[] = [];
    let skipped = 0;
    for (const reading of readings) {
      const text = toSubmission(reading, sender.source);
      if (text === undefined) skipped += reading.lines;
      else lines.push({ kind: "text", line: reading.line, text });
    }
    if (skipped > 0) sink.noteSkipped(sender, skipped);
    counts.skipped += skipped;
    if (lines.length === 0) return;
    const { accepted, duplicates, quarantined } = await sink.store(lines, sender, signal);
    counts.stored += accepted;
    counts.duplicates += duplicates;
    counts.quarantined += quarantined;
  };
  const framings = format.adapters.map(({ framing }) => framing);
  let failed: string | undefined;
  try {
    const bytes = await openBytes(reader, object, signal);
    for await (const lines of frameInput(bytes, framings, reader.limits.lineBytes)) await store(stream.take(lines));
  } catch (cause) {
    // What came before the damage is stored; trying again would find the same.
    const isDamaged = cause instanceof EvidentError && (cause.code === "bad_request" || cause.code === "too_large");
    if (!isDamaged) throw cause;
    failed = cause.message;
  }
  await store(stream.end());
  return failed === undefined ? counts : { ...counts, failed };
}

async function openBytes(
  { bucket, limits, onBytes }: ObjectReader,
  object: ListedObject,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const source = (await bucket.open(object, signal))[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  while (sizeBytes < ZSTD.length) {
    const part = await source.next();
    if (part.done === true) break;
    parts.push(part.value);
    sizeBytes += part.value.length;
  }
  const start = Buffer.concat(parts);
  const begins = (magic: readonly number[]): boolean => magic.every((byte, i) => start[i] === byte);
  const contentEncoding = begins(GZIP) ? "gzip" : begins(ZSTD) ? "zstd" : undefined;
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    try {
      onBytes(start.length);
      yield start;
      for (let part = await source.next(); part.done !== true; part = await source.next()) {
        onBytes(part.value.length);
        yield part.value;
      }
    } finally {
      await source.return?.();
    }
  };
  return decodeBytes(whole(), { contentEncoding, limits });
}
