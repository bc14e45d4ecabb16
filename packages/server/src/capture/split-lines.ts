import { isUtf8 } from "node:buffer";
import { type BodyLine, CHUNK_BYTES, CHUNK_LINES } from "./body-line.ts";
import { isBlank, RecordBytes, toLine } from "./record-bytes.ts";

const NEWLINE = 0x0a;

/** Lines that end in `bytes`, which ends with a newline. `next` is the number of the line after them. */
function wholeLines(
  bytes: Buffer,
  first: number,
  limitBytes: number,
): { readonly lines: readonly BodyLine[]; readonly next: number } {
  const lines: BodyLine[] = [];
  let line = first;
  // Decoded at once when all of it is UTF-8.
  if (bytes.length <= limitBytes && isUtf8(bytes)) {
    const text = bytes.toString("utf8");
    for (let start = 0; start < text.length; line += 1) {
      const end = text.indexOf("\n", start);
      const record = text.slice(start, end);
      if (!isBlank(record)) lines.push({ kind: "text", line, text: record });
      start = end + 1;
    }
    return { lines, next: line };
  }
  for (let start = 0; start < bytes.length; line += 1) {
    const end = bytes.indexOf(NEWLINE, start);
    lines.push(...toLine(bytes.subarray(start, end), line, end - start, limitBytes));
    start = end + 1;
  }
  return { lines, next: line };
}

/**
 * Splits bytes into lines, in bounded memory. Blank lines are counted but not yielded; CRLF is fine (the carriage return is white space
 * to JSON). A last line without newline is a line, unless the body broke off: then it is not what the sender meant.
 */
export async function* splitLines(
  source: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<readonly BodyLine[]> {
  const open = new RecordBytes(limitBytes);
  let line = 1;
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
      const { lines, next } = wholeLines(bytes.subarray(0, end), line, limitBytes);
      line = next;
      yield* batches(lines);
      open.add(bytes.subarray(end));
    }
  }
  yield* batches(open.finish(line));
}

function* batches(lines: readonly BodyLine[]): Generator<readonly BodyLine[]> {
  for (let at = 0; at < lines.length; at += CHUNK_LINES) yield lines.slice(at, at + CHUNK_LINES);
}
