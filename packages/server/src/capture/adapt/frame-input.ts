import { type BodyLine, CHUNK_BYTES, CHUNK_LINES } from "../body-line.ts";
import { splitLines } from "../split-lines.ts";
import type { Framing } from "./adapter.ts";
import { isObject } from "./json-fields.ts";
import { JsonSplitter } from "./split-json.ts";

/** How much is looked at to tell a JSON document from one object a line. */
const SNIFF_BYTES = 64 * 1024;

/**
 * Cuts a whole input into lines or, where it is a JSON document and one of the framings allows it, into its records. In bounded memory;
 * blank lines are passed over but counted.
 *
 * @param limitBytes of one record; a longer one comes out with its beginning only
 */
export async function* frameInput(
  source: AsyncIterable<Uint8Array>,
  framings: readonly Framing[],
  limitBytes: number,
): AsyncGenerator<readonly BodyLine[]> {
  const parts = source[Symbol.asyncIterator]();
  const start = await readStart(parts);
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    if (start.length > 0) yield start;
    yield* { [Symbol.asyncIterator]: () => parts };
  };
  const wrappers = framings.flatMap((framing) => (framing.kind === "json" ? (framing.wrappers ?? []) : []));
  const takesJson = framings.some(({ kind }) => kind === "json");
  if (takesJson && isDocument(start, wrappers)) yield* splitDocuments(rest(), wrappers, limitBytes);
  else yield* splitLines(rest(), limitBytes);
}

async function readStart(parts: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const held: Uint8Array[] = [];
  let sizeBytes = 0;
  while (sizeBytes < SNIFF_BYTES) {
    const next = await parts.next();
    if (next.done === true) break;
    held.push(next.value);
    sizeBytes += next.value.length;
  }
  const start = Buffer.concat(held);
  return start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf ? start.subarray(3) : start;
}

/** An array, an object over several lines, or one with a wrapped array. */
function isDocument(start: Buffer, wrappers: readonly string[]): boolean {
  const text = start.toString("utf8").trimStart();
  if (text.startsWith("[")) return true;
  if (!text.startsWith("{")) return false;
  const end = text.indexOf("\n");
  const line = (end < 0 ? text : text.slice(0, end)).trimEnd();
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    const isWrapped = wrappers.some((name) => new RegExp(`"${name}"\\s*:\\s*\\[`).test(text));
    return (
      isWrapped || (end >= 0 && /^\{\s*(?:"[^"]*"\s*:.*)?$/.test(line) && !line.endsWith("}") && hasIndent(text, end))
    );
  }
  return isObject(value) && wrappers.some((name) => Array.isArray(value[name]));
}

/** Whether the second line goes on with the object that the first began: a broken line of NDJSON is followed by the next object. */
function hasIndent(text: string, end: number): boolean {
  const second = text.slice(end + 1).trimStart();
  return second !== "" && !second.startsWith("{");
}

async function* splitDocuments(
  source: AsyncIterable<Uint8Array>,
  wrappers: readonly string[],
  limitBytes: number,
): AsyncGenerator<readonly BodyLine[]> {
  const splitter = new JsonSplitter(wrappers, limitBytes);
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
      yield* batches(splitter.add(chunk.subarray(at, at + CHUNK_BYTES)));
    }
  }
  yield* batches(splitter.end());
}

function* batches(lines: readonly BodyLine[]): Generator<readonly BodyLine[]> {
  for (let at = 0; at < lines.length; at += CHUNK_LINES) yield lines.slice(at, at + CHUNK_LINES);
}
