import { EvidentError } from "@evident/core";
import { type BodyLine, CHUNK_BYTES, CHUNK_LINES } from "./body-line.ts";
import { RecordBytes } from "./record-bytes.ts";

const [QUOTE, BACKSLASH, COMMA, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [
  0x22, 0x5c, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d,
];

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/**
 * Finds where the elements of a JSON array begin and end, byte by byte, without understanding them: nesting and strings only. What an
 * element means is decided when it is parsed.
 */
class ArraySplitter {
  readonly #record: RecordBytes;
  #state: "before" | "first" | "element" | "next" | "after" = "before";
  #depth = 0;
  #inString = false;
  #escaped = false;
  #element = 0;
  #offset = 0;

  constructor(limitBytes: number) {
    this.#record = new RecordBytes(limitBytes);
  }

  add(chunk: Buffer): BodyLine[] {
    const lines: BodyLine[] = [];
    let start = this.#state === "element" ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#state !== "element") {
        if (!this.#beginsElement(byte, at)) continue;
        start = at;
      }
      if (this.#endsElement(byte)) {
        this.#record.add(chunk.subarray(start, at));
        this.#element += 1;
        lines.push(...this.#record.finish(this.#element));
        start = -1;
        this.#state = byte === COMMA ? "next" : "after";
      }
    }
    if (this.#state === "element") this.#record.add(chunk.subarray(start));
    this.#offset += chunk.length;
    return lines;
  }

  end(): void {
    if (this.#state !== "after") throw broken(this.#offset, "the array does not end");
  }

  /** Takes a byte outside an element; true when an element begins with it. */
  #beginsElement(byte: number, at: number): boolean {
    if (isSpace(byte)) return false;
    if ((this.#state === "first" || this.#state === "next") && byte !== COMMA && byte !== CLOSE_ARRAY) {
      this.#state = "element";
      this.#depth = 0;
      return true;
    }
    if (this.#state === "before" && byte === OPEN_ARRAY) this.#state = "first";
    else if (this.#state === "first" && byte === CLOSE_ARRAY) this.#state = "after";
    else
      throw broken(
        this.#offset + at,
        this.#state === "after" ? "something follows the array" : "an element is missing",
      );
    return false;
  }

  /** Takes a byte of an element; true when it is the comma or bracket behind it. */
  #endsElement(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth += 1;
    else if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_ARRAY)) return true;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#depth -= 1;
    return false;
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
      const lines = splitter.add(
        Buffer.from(chunk.buffer, chunk.byteOffset + at, Math.min(CHUNK_BYTES, chunk.length - at)),
      );
      for (let from = 0; from < lines.length; from += CHUNK_LINES) yield lines.slice(from, from + CHUNK_LINES);
    }
  }
  splitter.end();
}
