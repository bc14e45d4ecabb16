import { open } from "node:fs/promises";
import type { Segment } from "./segment.ts";

const NEWLINE = 10;
/** Lines that are only white space have no verdict. */
const BLANK = /^[ \t\r]*$/;

/** Lines of one segment to be sent at once, as bytes, and where each ends in the segment. */
export interface Batch {
  readonly segment: Segment;
  readonly body: Buffer<ArrayBuffer>;
  readonly lines: readonly string[];
  readonly ends: readonly number[];
}

/** How much may be in a batch; one line always may. */
export interface BatchLimits {
  readonly events: number;
  readonly bytes: number;
}

async function readRange(segment: Segment, from: number, sizeBytes: number): Promise<Buffer<ArrayBuffer>> {
  const file = await open(segment.path, "r");
  try {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    let read = 0;
    while (read < sizeBytes) {
      const { bytesRead } = await file.read(bytes, read, sizeBytes - read, from + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  } finally {
    await file.close();
  }
}

/**
 * The next lines of a segment that have no verdict; undefined at its end. Blank lines, which only damage can leave, are passed over.
 *
 * @param segment its `sizeBytes` bound what is read, also while it is written
 */
export async function readBatch(segment: Segment, limits: BatchLimits): Promise<Batch | undefined> {
  for (let want = limits.bytes; ; want *= 2) {
    const from = segment.readAt;
    const bytes = await readRange(segment, from, Math.min(want, segment.sizeBytes - from));
    if (bytes.length === 0) return undefined;
    const lines: string[] = [];
    const ends: number[] = [];
    const parts: Buffer<ArrayBuffer>[] = [];
    let blankTo = from;
    for (let at = 0; lines.length < limits.events; ) {
      const end = bytes.indexOf(NEWLINE, at);
      if (end === -1) break;
      const text = bytes.toString("utf8", at, end);
      if (BLANK.test(text)) blankTo = from + end + 1;
      else {
        lines.push(text);
        ends.push(from + end + 1);
        parts.push(bytes.subarray(at, end + 1));
      }
      at = end + 1;
    }
    if (lines.length > 0) return { segment, body: Buffer.concat(parts), lines, ends };
    if (blankTo > from) segment.readAt = blankTo;
    else if (from + bytes.length >= segment.sizeBytes) return undefined;
  }
}
