import { isUtf8 } from "node:buffer";
import { type BodyLine, KEPT_BYTES } from "./body-line.ts";

/** White space of JSON; anything else makes a record. */
const BLANK = /^[ \t\r\n]*$/;
const LEAST_BYTES = 1_024;

/** The bytes of one record as they arrive, in whatever pieces. Beyond the limit only its beginning and its length are kept. */
export class RecordBytes {
  readonly #limitBytes: number;
  #bytes: Uint8Array = new Uint8Array(LEAST_BYTES);
  #kept = 0;
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length;
    const isTooLong = this.#sizeBytes > this.#limitBytes;
    const room = (isTooLong ? KEPT_BYTES : this.#limitBytes) - this.#kept;
    if (room > 0) this.#keep(bytes.subarray(0, room));
    if (isTooLong && this.#bytes.length > KEPT_BYTES) {
      this.#bytes = this.#bytes.slice(0, KEPT_BYTES);
      this.#kept = Math.min(this.#kept, KEPT_BYTES);
    }
  }

  /** The record as a line of the body (none for a blank one); ready for the next record afterwards. */
  finish(line: number): BodyLine[] {
    const found = toLine(this.#bytes.subarray(0, this.#kept), line, this.#sizeBytes, this.#limitBytes);
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(LEAST_BYTES);
    this.#kept = 0;
    this.#sizeBytes = 0;
    return found;
  }

  /** Copied into one growing buffer: pieces of their own would cost a hundred times their size when they are of one byte. */
  #keep(part: Uint8Array): void {
    const needed = this.#kept + part.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#kept));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#kept);
    this.#kept = needed;
  }
}

/** A record's bytes as a line of the body; `sizeBytes` is more than `bytes` holds when its end was not kept. */
export function toLine(bytes: Uint8Array, line: number, sizeBytes: number, limitBytes: number): BodyLine[] {
  if (sizeBytes > limitBytes) {
    return [{ kind: "line_too_long", line, bytes: new Uint8Array(bytes.subarray(0, KEPT_BYTES)), sizeBytes }];
  }
  if (!isUtf8(bytes)) return [{ kind: "invalid_utf8", line, bytes: new Uint8Array(bytes), sizeBytes }];
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  return isBlank(text) ? [] : [{ kind: "text", line, text }];
}

/** Whether a record is only white space. */
export function isBlank(text: string): boolean {
  // Nearly every record begins with a brace: the pattern is for the others.
  return text.charCodeAt(0) !== 0x7b && BLANK.test(text);
}
