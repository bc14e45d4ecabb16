import { Readable } from "node:stream";
import { lineBatches } from "./line-batches.ts";
import { sendDocument } from "./send-document.ts";
import { type SendOptions, sendBatch } from "./send-lines.ts";

const SNIFF_BYTES = 256 * 1024;

/** An array, or an object over several lines, is a JSON document; anything else is taken line by line. */
function isDocument(start: string, isWhole: boolean): boolean {
  const text = start.replace(/^\ufeff/, "").trimStart();
  if (text.startsWith("[")) return true;
  if (!text.startsWith("{")) return false;
  const end = text.indexOf("\n");
  const line = end < 0 ? text : text.slice(0, end);
  // A first line without its end may simply be long.
  if (end < 0 && !isWhole) return false;
  try {
    JSON.parse(line);
    return false;
  } catch {
    return end >= 0 && /^\{\s*$/.test(line);
  }
}

async function readStart(parts: AsyncIterator<Buffer>): Promise<{ readonly start: Buffer; readonly isWhole: boolean }> {
  const held: Buffer[] = [];
  let sizeBytes = 0;
  while (sizeBytes < SNIFF_BYTES) {
    const next = await parts.next();
    if (next.done === true) return { start: Buffer.concat(held), isWhole: true };
    held.push(next.value);
    sizeBytes += next.value.length;
    if (next.value.includes(0x0a)) break;
  }
  return { start: Buffer.concat(held), isWhole: false };
}

/** Sends NDJSON, an array or one object. `onBatch` is called after each part with a verdict for every line. */
export async function sendInput(
  options: SendOptions,
  bytes: AsyncIterable<Buffer>,
  onBatch: () => void,
): Promise<void> {
  const parts = bytes[Symbol.asyncIterator]();
  const { start, isWhole } = await readStart(parts);
  const whole = async function* (): AsyncGenerator<Buffer> {
    if (start.length > 0) yield start;
    yield* { [Symbol.asyncIterator]: () => parts };
  };
  if (isDocument(start.toString("utf8"), isWhole)) {
    await sendDocument(options, Readable.from(whole()) as AsyncIterable<Buffer>);
    onBatch();
    return;
  }
  for await (const batch of lineBatches(whole())) {
    await sendBatch(options, batch);
    onBatch();
  }
}
