import { EvidentError } from "@evident/core";
import { type BodyLine, CHUNK_BYTES, CHUNK_LINES } from "./body-line.ts";
import { RecordBytes, toLine } from "./record-bytes.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/**
 * Finds where the elements of a JSON array begin and end, byte by byte, without understanding them: nesting and strings only. What an
 * element means is decided when it is parsed.
 */
class ArraySplitter {
  readonly #limitBytes: number;
  readonly #record: RecordBytes;
  #state: "before" | "first" | "element" | "next" | "after" = "before";
  #depth = 0;
  #inString = false;
  #escaped = false;
  #element = 0;
  #offset = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#record = new RecordBytes(limitBytes);
  }

  /** The elements that end in this chunk, and the error that ends the array behind them. */
  add(chunk: Buffer): { readonly lines: readonly BodyLine[]; readonly error?: EvidentError } {
    const lines: BodyLine[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#state !== "element") {
        const taken = this.#take(chunk[at] ?? 0, at);
        if (taken === "element") this.#state = "element";
        else if (taken === "between") at += 1;
        else return { lines, error: taken };
        continue;
      }
      const end = this.#endOfElement(chunk, at);
      const bytes = chunk.subarray(at, end);
      if (end === chunk.length) this.#record.add(bytes);
      else {
        this.#element += 1;
        lines.push(...this.#finish(bytes));
        this.#depth = 0;
        this.#state = chunk[end] === COMMA ? "next" : "after";
      }
      at = end + 1;
    }
    this.#offset += chunk.length;
    return { lines };
  }

  end(): void {
    if (this.#state !== "after") throw broken(this.#offset, "the array does not end");
  }

  #finish(rest: Buffer): BodyLine[] {
    if (this.#record.sizeBytes === 0) return toLine(rest, this.#element, rest.length, this.#limitBytes);
    this.#record.add(rest);
    return this.#record.finish(this.#element);
  }

  /** Takes a byte outside an element; "element": one begins with it. */
  #take(byte: number, at: number): "element" | "between" | EvidentError {
    if (isSpace(byte)) return "between";
    const isElementDue = this.#state === "first" || this.#state === "next";
    if (isElementDue && byte !== COMMA && byte !== CLOSE_ARRAY) return "element";
    if (this.#state === "before" && byte === OPEN_ARRAY) this.#state = "first";
    else if (this.#state === "first" && byte === CLOSE_ARRAY) this.#state = "after";
    else {
      const detail = this.#state === "after" ? "something follows the array" : "an element is missing";
      return broken(this.#offset + at, detail);
    }
    return "between";
  }

  /** Place of the comma or bracket behind the element, or the chunk's end. */
  #endOfElement(chunk: Buffer, from: number): number {
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    let at = from;
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
      else if (depth === 0 && (byte === COMMA || byte === CLOSE_ARRAY)) break;
      // Never below zero: a bracket too many is this element's mistake and must not cost the next ones.
      else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && depth > 0) depth -= 1;
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    return at;
  }
}

function broken(offset: number, detail: string): EvidentError {
  return new EvidentError("bad_request", `the JSON array is broken at byte ${offset}: ${detail}`, {
    fix: "Send a complete JSON array of events, or NDJSON.",
  });
}

/**
 * Yields the elements of a JSON array as they arrive, in bounded memory.
 *
 * @throws EvidentError `bad_request` where the array itself is broken; the elements before that have been yielded
 */
export async function* splitArray(
  source: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<readonly BodyLine[]> {
  const splitter = new ArraySplitter(limitBytes);
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
      const { lines, error } = splitter.add(
        Buffer.from(chunk.buffer, chunk.byteOffset + at, Math.min(CHUNK_BYTES, chunk.length - at)),
      );
      for (let from = 0; from < lines.length; from += CHUNK_LINES) yield lines.slice(from, from + CHUNK_LINES);
      if (error !== undefined) throw error;
    }
  }
  splitter.end();
}
