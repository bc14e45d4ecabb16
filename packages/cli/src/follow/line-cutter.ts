import { isUtf8 } from "node:buffer";
import { type BodyLine, isBlankRecord, RecordBytes, toLine } from "@evident/server";

/** Longest line that is read whole; of a longer one the beginning is kept. */
const MAX_LINE_BYTES = 16 << 20;
const NEWLINE = 0x0a;

/** A line with where it begins; without `line` it is blank. */
export interface CutLine {
  readonly start: number;
  readonly line: BodyLine | undefined;
}

/** Cuts the growing content of a file into lines. An unfinished line waits for its end, in bounded memory. */
export class LineCutter {
  #offset: number;
  #number: number;
  readonly #open = new RecordBytes(MAX_LINE_BYTES);
  #openStart: number;
  /** Still in the hole that a writer leaves who goes on at its old place in a truncated file. */
  #inHole: boolean;
  hasHole = false;

  /** @param offset of the first byte to come @param line its number */
  constructor(offset: number, line: number) {
    this.#offset = offset;
    this.#openStart = offset;
    this.#number = line;
    this.#inHole = line === 1;
  }

  /** Bytes taken so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Where the line begins that has not ended. */
  get openStart(): number {
    return this.#openStart;
  }

  get hasOpenLine(): boolean {
    return this.#open.sizeBytes > 0;
  }

  /** Number of the line that has not ended. */
  get nextLine(): number {
    return this.#number;
  }

  /** Takes the bytes that follow and returns the lines that end in them. */
  push(bytes: Buffer): readonly CutLine[] {
    const found: CutLine[] = [];
    const end = this.#offset + bytes.length;
    let rest = this.#inHole ? this.#skipHole(bytes) : bytes;
    if (this.#open.sizeBytes > 0) {
      const stop = rest.indexOf(NEWLINE);
      this.#open.add(stop < 0 ? rest : rest.subarray(0, stop));
      if (stop < 0) {
        this.#offset = end;
        return found;
      }
      this.#finishOpen(found);
      rest = rest.subarray(stop + 1);
      this.#openStart = end - rest.length;
    }
    const whole = rest.lastIndexOf(NEWLINE) + 1;
    if (whole > 0) this.#cutWhole(rest.subarray(0, whole), found);
    this.#openStart = end - rest.length + whole;
    this.#open.add(rest.subarray(whole));
    this.#offset = end;
    return found;
  }

  /** Ends the line that has not ended. */
  cut(): readonly CutLine[] {
    const found: CutLine[] = [];
    if (this.#open.sizeBytes > 0) this.#finishOpen(found);
    this.#openStart = this.#offset;
    return found;
  }

  #finishOpen(found: CutLine[]): void {
    const [line] = this.#open.finish(this.#number);
    found.push({ start: this.#openStart, line });
    this.#number += 1;
  }

  #skipHole(bytes: Buffer): Buffer {
    let at = 0;
    while (at < bytes.length && bytes[at] === 0) at += 1;
    if (at > 0) this.hasHole = true;
    if (at === bytes.length) return bytes.subarray(at);
    this.#inHole = false;
    const isMarked = this.#offset === 0 && at === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    const skipped = isMarked ? 3 : at;
    this.#openStart = this.#offset + skipped;
    return bytes.subarray(skipped);
  }

  /** `bytes` ends with a newline, and begins where the open line does. */
  #cutWhole(bytes: Buffer, found: CutLine[]): void {
    const base = this.#openStart;
    // Decoded at once when all of it is UTF-8.
    const text = isUtf8(bytes) ? bytes.toString("utf8") : undefined;
    let from = 0;
    for (let start = 0; start < bytes.length; this.#number += 1) {
      const end = bytes.indexOf(NEWLINE, start);
      let line: BodyLine | undefined;
      if (text === undefined) [line] = toLine(bytes.subarray(start, end), this.#number, end - start, MAX_LINE_BYTES);
      else {
        const stop = text.indexOf("\n", from);
        const record = text.slice(from, stop);
        if (!isBlankRecord(record)) line = { kind: "text", line: this.#number, text: record };
        from = stop + 1;
      }
      found.push({ start: base + start, line });
      start = end + 1;
    }
  }
}
