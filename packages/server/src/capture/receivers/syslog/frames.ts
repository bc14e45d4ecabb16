import type { BodyLine } from "../../body-line.ts";
import { RecordBytes } from "../../record-bytes.ts";

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
/** RFC 6587: MSG-LEN. More digits are no length that anybody sends. */
const MAX_DIGITS = 9;

type State =
  /** Before a frame: what begins it says how it ends. */
  | { readonly kind: "start" }
  /** Within what may be the length of a frame. */
  | { readonly kind: "length"; readonly digits: string }
  /** Within a frame whose length is known. */
  | { readonly kind: "counted"; readonly leftBytes: number }
  /** Within a frame that a newline ends. */
  | { readonly kind: "line" };

/**
 * Cuts what a TCP or TLS connection brings into messages (RFC 6587, RFC 5425). Each frame says how it is framed, as rsyslog reads it: one
 * that begins with a number and a space has that many bytes (octet counting), any other ends with a newline. Bounded: of a message over
 * the limit only the beginning is kept.
 */
export class SyslogFrames {
  readonly #record: RecordBytes;
  #state: State = { kind: "start" };
  #count = 0;

  constructor(limitBytes: number) {
    this.#record = new RecordBytes(limitBytes);
  }

  /** Whether a message has begun and not ended. */
  get isOpen(): boolean {
    return this.#state.kind !== "start";
  }

  /** Takes bytes and returns the messages that end in them, numbered from 1 over the connection. */
  add(bytes: Uint8Array): readonly BodyLine[] {
    const messages: BodyLine[] = [];
    for (let at = 0; at < bytes.length; ) at = this.#step(bytes, at, messages);
    return messages;
  }

  /** What there is of a message that has not ended, when the connection has. */
  end(): { readonly line: number; readonly bytes: Uint8Array; readonly sizeBytes: number } | undefined {
    const state = this.#state;
    this.#state = { kind: "start" };
    if (state.kind === "length") this.#record.add(Buffer.from(state.digits));
    const { sizeBytes } = this.#record;
    if (sizeBytes === 0) return undefined;
    const [line] = this.#record.finish(this.#count + 1);
    if (line === undefined) return undefined;
    const bytes = line.kind === "text" ? Buffer.from(line.text) : line.bytes;
    return { line: line.line, bytes, sizeBytes };
  }

  /** One step from `at`; returns where the next begins. */
  #step(bytes: Uint8Array, at: number, messages: BodyLine[]): number {
    const state = this.#state;
    switch (state.kind) {
      case "start":
        return this.#begin(bytes, at);
      case "length":
        return this.#readLength(bytes, at, state.digits);
      case "counted": {
        const end = Math.min(bytes.length, at + state.leftBytes);
        this.#record.add(bytes.subarray(at, end));
        const leftBytes = state.leftBytes - (end - at);
        if (leftBytes === 0) this.#finish(messages);
        else this.#state = { kind: "counted", leftBytes };
        return end;
      }
      case "line": {
        const end = bytes.indexOf(LF, at);
        this.#record.add(bytes.subarray(at, end < 0 ? bytes.length : end));
        if (end < 0) return bytes.length;
        this.#finish(messages);
        return end + 1;
      }
    }
  }

  #begin(bytes: Uint8Array, at: number): number {
    const byte = bytes[at] ?? 0;
    // Some senders put a newline or a zero byte behind a counted frame too.
    if (byte === LF || byte === CR || byte === NUL) return at + 1;
    this.#state = byte > ZERO && byte <= NINE ? { kind: "length", digits: "" } : { kind: "line" };
    return at;
  }

  #readLength(bytes: Uint8Array, at: number, before: string): number {
    let digits = before;
    for (let i = at; i < bytes.length; i += 1) {
      const byte = bytes[i] ?? 0;
      if (byte >= ZERO && byte <= NINE && digits.length < MAX_DIGITS) {
        digits += String.fromCharCode(byte);
        continue;
      }
      if (byte === SPACE) {
        this.#state = { kind: "counted", leftBytes: Number(digits) };
        return i + 1;
      }
      // A line that begins with a number.
      this.#record.add(Buffer.from(digits));
      this.#state = { kind: "line" };
      return i;
    }
    this.#state = { kind: "length", digits };
    return bytes.length;
  }

  #finish(messages: BodyLine[]): void {
    this.#state = { kind: "start" };
    this.#count += 1;
    const [line] = this.#record.finish(this.#count);
    if (line !== undefined) messages.push(withoutEnd(line));
  }
}

/** Without the newline or zero byte that senders leave at the end of a counted frame, or put into a datagram. */
export function withoutEnd(line: BodyLine): BodyLine {
  if (line.kind !== "text") return line;
  let { length } = line.text;
  while (length > 0 && "\n\r\0".includes(line.text[length - 1] ?? " ")) length -= 1;
  return length === line.text.length ? line : { ...line, text: line.text.slice(0, length) };
}
