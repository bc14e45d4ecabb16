import { Readable } from "node:stream";
import { type Adapter, recognise } from "@evident/server";
import { adaptedBatches } from "./adapted-batches.ts";
import { lineBatches } from "./line-batches.ts";
import { type Format, openStream } from "./open-format.ts";
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

/** What is sent, and how it is read. */
export interface Sending {
  readonly bytes: AsyncIterable<Buffer>;
  readonly format: Format;
  /** Told apart from other hosts' logs that begin with the same records; "" for any host. */
  readonly host: string;
  /** Told when a format was recognised. */
  readonly onRecognised: (adapter: Adapter) => void;
  /** Called after each part, with a verdict for every line of it. */
  readonly onBatch: () => void;
}

/** Sends a file of events or of another format's records. */
export async function sendInput(options: SendOptions, sending: Sending): Promise<void> {
  const parts = sending.bytes[Symbol.asyncIterator]();
  const { start, isWhole } = await readStart(parts);
  const whole = async function* (): AsyncGenerator<Buffer> {
    if (start.length > 0) yield start;
    yield* { [Symbol.asyncIterator]: () => parts };
  };
  const { format } = sending;
  if (format.kind === "named" || (format.kind === "unknown" && (await isOtherFormat(start, sending)))) {
    const { adapters, source } = format;
    const batches = adaptedBatches(whole(), {
      adapters,
      stream: openStream(format, sending.host),
      source,
      tally: options.tally,
    });
    for await (const batch of batches) {
      await sendBatch(options, batch);
      sending.onBatch();
    }
    return;
  }
  if (isDocument(start.toString("utf8"), isWhole)) {
    await sendDocument(options, Readable.from(whole()) as AsyncIterable<Buffer>);
    sending.onBatch();
    return;
  }
  for await (const batch of lineBatches(whole())) {
    await sendBatch(options, batch);
    sending.onBatch();
  }
}

/** Whether the first record is of another format than ours, or no JSON at all: then each line says why it was not understood. */
async function isOtherFormat(start: Buffer, { format, onRecognised }: Sending): Promise<boolean> {
  const adapter = await recognise(start, format.adapters);
  if (adapter !== undefined) onRecognised(adapter);
  return adapter !== undefined || !/^\ufeff?\s*(?:[[{]|$)/.test(start.subarray(0, 4_096).toString("utf8"));
}
