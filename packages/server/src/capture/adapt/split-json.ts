import type { BodyLine } from "../body-line.ts";
import { RecordBytes } from "../record-bytes.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MAX_NAME_BYTES = 64;

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/**
 * Finds the records of JSON documents that follow each other, byte by byte in bounded memory: the elements of an array, the elements
 * of an array that is a member of the outermost object under one of the `wrappers`' names, or the object itself. Only nesting and strings
 * are understood; what a record means is decided when it is parsed.
 */
export class JsonSplitter {
  readonly #wrappers: ReadonlySet<string>;
  readonly #record: RecordBytes;
  /** `between`: outside any document; `array`: between elements; `record`: inside one; `rest`: in what follows a wrapped array. */
  #state: "between" | "array" | "record" | "rest" = "between";
  /** Whether a record is an element, of a wrapped array or of one that is the document. */
  #inside: "document" | "array" | "wrapped" = "document";
  #depth = 0;
  #inString = false;
  #escaped = false;
  #count = 0;
  /** The name of a member of the outermost object, while and after it is read. */
  #name = "";
  #nameState: "none" | "reading" | "read" | "colon" = "none";

  constructor(wrappers: readonly string[], limitBytes: number) {
    this.#wrappers = new Set(wrappers);
    this.#record = new RecordBytes(limitBytes);
  }

  /** The records that end in this chunk. */
  add(chunk: Uint8Array): readonly BodyLine[] {
    const lines: BodyLine[] = [];
    for (let at = 0; at < chunk.length; ) {
      switch (this.#state) {
        case "record":
          at = this.#takeRecord(chunk, at, lines);
          break;
        case "rest":
          at = this.#skipRest(chunk, at);
          break;
        case "between":
        case "array":
          at = this.#begin(chunk, at);
      }
    }
    return lines;
  }

  /** A record that was cut off by the end of the input. */
  end(): readonly BodyLine[] {
    if (this.#state !== "record") return [];
    this.#count += 1;
    return this.#record.finish(this.#count);
  }

  /** Whether the documents are complete. */
  get isWhole(): boolean {
    return this.#state === "between";
  }

  #begin(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] ?? 0;
    if (isSpace(byte) || (byte === COMMA && this.#state === "array")) return at + 1;
    if (this.#state === "array" && byte === CLOSE_ARRAY) {
      this.#state = this.#inside === "wrapped" ? "rest" : "between";
      this.#inside = "document";
      // The elements counted their own depth; the object around the array is still open.
      this.#depth = 1;
      return at + 1;
    }
    if (this.#state === "between" && byte === OPEN_ARRAY) {
      this.#state = "array";
      this.#inside = "array";
      return at + 1;
    }
    this.#state = "record";
    this.#depth = 0;
    this.#nameState = "none";
    return at;
  }

  #takeRecord(chunk: Uint8Array, from: number, lines: BodyLine[]): number {
    const isDocument = this.#inside === "document";
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) {
        this.#takeInString(byte);
        continue;
      }
      if (byte === QUOTE) {
        this.#inString = true;
        if (isDocument && this.#depth === 1 && this.#nameState === "none") {
          this.#nameState = "reading";
          this.#name = "";
        }
        continue;
      }
      if (byte === OPEN_ARRAY && isDocument && this.#isWrapper()) {
        // What came before the array is the document's frame and no record.
        this.#record.finish(0);
        this.#state = "array";
        this.#inside = "wrapped";
        return at + 1;
      }
      const isEnd = this.#takeOutside(byte, isDocument);
      if (isEnd === "no") continue;
      this.#record.add(chunk.subarray(from, isEnd === "after" ? at + 1 : at));
      this.#count += 1;
      lines.push(...this.#record.finish(this.#count));
      this.#state = isDocument ? "between" : "array";
      return isEnd === "after" ? at + 1 : at;
    }
    this.#record.add(chunk.subarray(from));
    return chunk.length;
  }

  #takeInString(byte: number): void {
    if (this.#nameState === "reading" && byte !== QUOTE && this.#name.length < MAX_NAME_BYTES) {
      this.#name += String.fromCharCode(byte);
    }
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      if (this.#nameState === "reading") this.#nameState = "read";
    }
  }

  #isWrapper(): boolean {
    return this.#depth === 1 && this.#nameState === "colon" && this.#wrappers.has(this.#name);
  }

  /** Takes a byte outside strings. "after": the record ends behind it; "before": it ended before it. */
  #takeOutside(byte: number, isDocument: boolean): "no" | "before" | "after" {
    if (this.#depth === 1) {
      if (byte === COLON && this.#nameState === "read") this.#nameState = "colon";
      else if (byte === COMMA) this.#nameState = "none";
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      this.#depth += 1;
      return "no";
    }
    if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (this.#depth === 0) return !isDocument && byte === CLOSE_ARRAY ? "before" : "no";
      this.#depth -= 1;
      return this.#depth === 0 && isDocument ? "after" : "no";
    }
    if (this.#depth > 0) return "no";
    if (!isDocument) return byte === COMMA ? "before" : "no";
    // A scalar or junk as a document ends with its line.
    return byte === 0x0a ? "before" : "no";
  }

  #skipRest(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) {
        this.#takeInString(byte);
        continue;
      }
      if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth += 1;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        this.#depth -= 1;
        if (this.#depth === 0) {
          this.#state = "between";
          return at + 1;
        }
      }
    }
    return chunk.length;
  }
}
