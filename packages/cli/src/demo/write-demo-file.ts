import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { type DemoOptions, makeDemoEvents } from "./make-demo-events.ts";

const CHUNK_LINES = 1_000;

/** Events as NDJSON, in pieces of a thousand lines. */
export function* makeDemoLines(options: DemoOptions): Generator<{ readonly text: string; readonly lines: number }> {
  let text = "";
  let lines = 0;
  for (const event of makeDemoEvents(options)) {
    text += JSON.stringify(event);
    text += "\n";
    lines += 1;
    if (lines === CHUNK_LINES) {
      yield { text, lines };
      text = "";
      lines = 0;
    }
  }
  if (lines > 0) yield { text, lines };
}

/**
 * Writes a demo as NDJSON, over a file that is there.
 *
 * @param onProgress events and bytes written so far
 */
export async function writeDemoFile(
  path: string,
  options: DemoOptions,
  onProgress: (events: number, sizeBytes: number) => void = () => undefined,
): Promise<{ readonly events: number; readonly sizeBytes: number }> {
  const file = createWriteStream(path);
  let events = 0;
  for (const { text, lines } of makeDemoLines(options)) {
    if (!file.write(text)) await once(file, "drain");
    events += lines;
    onProgress(events, file.bytesWritten);
  }
  file.end();
  await once(file, "close");
  return { events, sizeBytes: file.bytesWritten };
}
