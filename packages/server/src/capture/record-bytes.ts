import { isUtf8 } from "node:buffer";
import { type BodyLine, KEPT_BYTES } from "./body-line.ts";

const BLANK = /^\s*$/;

/** The bytes of one record as they arrive. Beyond the limit only its beginning and its length are kept. */
export class RecordBytes {
  readonly #limitBytes: number;
  #parts: Uint8Array[] = [];
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
    const room = Math.max(this.#limitBytes, KEPT_BYTES) - this.#kept;
    if (room <= 0 || bytes.length === 0) return;
    // Copied: a small rest must not keep a large chunk alive.
    const part = new Uint8Array(bytes.subarray(0, room));
    this.#parts.push(part);
    this.#kept += part.length;
  }

  /** The record as a line of the body (none for a blank one); ready for the next record afterwards. */
  finish(line: number): BodyLine[] {
    const bytes = Buffer.concat(this.#parts);
    const sizeBytes = this.#sizeBytes;
    this.#parts = [];
    this.#kept = 0;
    this.#sizeBytes = 0;
    return toLine(bytes, line, sizeBytes, this.#limitBytes);
  }
}

/** A record's bytes as a line of the body; `sizeBytes` is more than `bytes` holds when its end was not kept. */
export function toLine(bytes: Uint8Array, line: number, sizeBytes: number, limitBytes: number): BodyLine[] {
  if (sizeBytes > limitBytes) {
    return [{ kind: "line_too_long", line, bytes: new Uint8Array(bytes.subarray(0, KEPT_BYTES)), sizeBytes }];
  }
  if (!isUtf8(bytes)) return [{ kind: "invalid_utf8", line, bytes: new Uint8Array(bytes), sizeBytes }];
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  return BLANK.test(text) ? [] : [{ kind: "text", line, text }];
}
