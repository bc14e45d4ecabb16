import { isUtf8 } from "node:buffer";
import { type BodyLine, CHUNK_BYTES, CHUNK_LINES } from "./body-line.ts";
import { RecordBytes, toLine } from "./record-bytes.ts";

const NEWLINE = 0x0a;
const BLANK = /^\s*$/;

/** Whole lines of a chunk of bytes; decoded at once when all of it is UTF-8. `end` is after the last newline. */
function wholeLines(bytes: Buffer, end: number, firstLine: number, limitBytes: number): BodyLine[] {
  const whole = bytes.subarray(0, end);
  if (isUtf8(whole) && whole.length <= limitBytes) {
    const lines: BodyLine[] = [];
    const texts = whole.toString("utf8").split("\n");
    texts.pop();
    for (const [i, text] of texts.entries())
      if (!BLANK.test(text)) lines.push({ kind: "text", line: firstLine + i, text });
    return lines;
  }
  const lines: BodyLine[] = [];
  let line = firstLine;
  for (let start = 0; start < end; line += 1) {
    const stop = bytes.indexOf(NEWLINE, start);
    const slice = bytes.subarray(start, stop);
    lines.push(...toLine(slice, line, slice.length, limitBytes));
    start = stop + 1;
  }
  return lines;
}

function countLines(bytes: Buffer, end: number): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/**
 * Splits bytes into lines, in bounded memory. Blank lines are counted but not yielded; CRLF is fine (the carriage return is white space
 * to JSON). A last line without newline is a line.
 */
export async function* splitLines(
  source: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<readonly BodyLine[]> {
  const open = new RecordBytes(limitBytes);
  let line = 1;
  let failure: { readonly cause: unknown } | undefined;
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
        let bytes: Buffer = Buffer.from(chunk.buffer, chunk.byteOffset + at, Math.min(CHUNK_BYTES, chunk.length - at));
        if (open.sizeBytes > 0) {
          const stop = bytes.indexOf(NEWLINE);
          open.add(stop < 0 ? bytes : bytes.subarray(0, stop));
          if (stop < 0) continue;
          yield* batches(open.finish(line));
          line += 1;
          bytes = bytes.subarray(stop + 1);
        }
        const end = bytes.lastIndexOf(NEWLINE) + 1;
        if (end > 0) yield* batches(wholeLines(bytes, end, line, limitBytes));
        line += countLines(bytes, end);
        open.add(bytes.subarray(end));
      }
    }
  } catch (cause) {
    failure = { cause };
  }
  // A line that a broken body cut off is not the sender's line: only a clean end completes it.
  if (failure !== undefined) throw failure.cause;
  yield* batches(open.finish(line));
}

function* batches(lines: readonly BodyLine[]): Generator<readonly BodyLine[]> {
  for (let at = 0; at < lines.length; at += CHUNK_LINES) yield lines.slice(at, at + CHUNK_LINES);
}
