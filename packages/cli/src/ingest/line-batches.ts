import type { LineOf } from "./counts.ts";

/** Whole lines to send in one body. */
export interface LineBatch {
  /** Each with its line break. */
  readonly lines: readonly Buffer[];
  /** Line of the input for a line of the batch, both from 1. */
  readonly lineOf: LineOf;
}

/** Bounds of a batch. */
export const MAX_LINES = 8_192;
export const MAX_BYTES = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === NEWLINE);
}

/** Cuts bytes into lines, each with its line break. A line is held whole in memory, however long: the server decides what it takes. */
async function* splitLines(bytes: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let held: Buffer[] = [];
  for await (const part of bytes) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = part.indexOf(NEWLINE); end >= 0; end = part.indexOf(NEWLINE, from)) {
      const piece = part.subarray(from, end + 1);
      lines.push(held.length === 0 ? piece : Buffer.concat([...held, piece]));
      held = [];
      from = end + 1;
    }
    if (from < part.length) held.push(part.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (held.length > 0) yield [Buffer.concat([...held, Buffer.from("\n")])];
}

/** Lines in batches of about 4 MiB; blank lines are passed over, but counted, so that line numbers are those of an editor. */
export async function* lineBatches(bytes: AsyncIterable<Buffer>): AsyncGenerator<LineBatch> {
  let next = 1;
  let firstLine = 1;
  let lines: Buffer[] = [];
  let sizeBytes = 0;
  const flush = (): LineBatch | undefined => {
    const before = firstLine - 1;
    const batch = lines.length === 0 ? undefined : { lines, lineOf: (line: number) => before + line };
    lines = [];
    sizeBytes = 0;
    return batch;
  };
  for await (const found of splitLines(bytes)) {
    for (const line of found) {
      // Lines of a batch are consecutive, so that the number of each follows from its place.
      const batch = isBlank(line) || lines.length >= MAX_LINES || sizeBytes >= MAX_BYTES ? flush() : undefined;
      if (batch !== undefined) yield batch;
      if (!isBlank(line)) {
        if (lines.length === 0) firstLine = next;
        lines.push(line);
        sizeBytes += line.length;
      }
      next += 1;
    }
  }
  const last = flush();
  if (last !== undefined) yield last;
}
