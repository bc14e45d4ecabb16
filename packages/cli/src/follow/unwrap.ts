import type { BodyLine } from "@evident/server";
import type { CutLine } from "./line-cutter.ts";

/** How a container's log wraps the lines that its program wrote. */
export type Wrapping = "none" | "docker" | "cri" | "auto";

/** A line inside; `start` is where reading may begin again with it, undefined where it is entangled with another stream's line. */
export interface InnerLine {
  readonly start: number | undefined;
  readonly line: BodyLine | undefined;
  /** It was written to another stream than the one that is wanted. */
  readonly isOther?: boolean;
}

interface Piece {
  readonly stream: string;
  readonly text: string;
  readonly isWhole: boolean;
}

interface OpenRecord {
  readonly start: number;
  text: string;
}

const CRI = /^\S+ (stdout|stderr) ([FP])(?::\S+)?(?: ([^]*))?$/;
/** Pieces are joined up to this many characters; what is longer comes out in several lines. */
const MAX_JOINED = 16 << 20;

function parseDocker(text: string): Piece | undefined {
  if (!text.startsWith('{"')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { log, stream = "stdout" } = value as { readonly log?: unknown; readonly stream?: unknown };
  if (typeof log !== "string" || typeof stream !== "string") return undefined;
  const isWhole = log.endsWith("\n");
  return { stream, text: isWhole ? log.slice(0, -1) : log, isWhole };
}

function parseCri(text: string): Piece | undefined {
  const [, stream = "", tag, inner = ""] = CRI.exec(text) ?? [];
  return tag === undefined ? undefined : { stream, text: inner, isWhole: tag === "F" };
}

/** Takes the lines of a container's log and gives what its program wrote, pieces of one line joined. */
export class Unwrapper {
  readonly #wrapping: Wrapping;
  readonly #stream: string | undefined;
  readonly #open = new Map<string, OpenRecord>();
  #number: number;
  /** Where the line began that came out and began last. */
  #latest = -1;

  /** @param stream the only one that is wanted @param firstNumber of the next line inside */
  constructor(wrapping: Wrapping, stream: string | undefined, firstNumber: number) {
    this.#wrapping = wrapping;
    this.#stream = stream;
    this.#number = firstNumber;
  }

  /** Number of the next line inside. */
  get nextNumber(): number {
    return this.#number;
  }

  /** Whether pieces of a line wait for the rest. */
  get isWaiting(): boolean {
    return this.#open.size > 0;
  }

  take(lines: readonly CutLine[]): readonly InnerLine[] {
    const found: InnerLine[] = [];
    for (const { start, line } of lines) {
      if (line === undefined) continue;
      const piece = line.kind === "text" ? this.#parse(line.text) : undefined;
      // What is not wrapped is taken as it is: its adapter says what is wrong with it.
      if (piece === undefined) found.push(this.#give(start, line));
      else this.#takePiece(start, piece, found);
    }
    return found;
  }

  /** Ends lines of which a piece is missing. */
  cut(): readonly InnerLine[] {
    const found: InnerLine[] = [];
    for (const stream of this.#open.keys()) this.#finish(stream, found);
    return found;
  }

  #parse(text: string): Piece | undefined {
    const docker = this.#wrapping === "cri" ? undefined : parseDocker(text);
    return docker ?? (this.#wrapping === "docker" ? undefined : parseCri(text));
  }

  #takePiece(start: number, piece: Piece, found: InnerLine[]): void {
    const open = this.#open.get(piece.stream);
    if (open === undefined) this.#open.set(piece.stream, { start, text: piece.text });
    else open.text += piece.text;
    if (piece.isWhole || (open?.text.length ?? 0) > MAX_JOINED) this.#finish(piece.stream, found);
  }

  #finish(stream: string, found: InnerLine[]): void {
    const open = this.#open.get(stream);
    if (open === undefined) return;
    this.#open.delete(stream);
    if (this.#stream !== undefined && stream !== this.#stream) {
      found.push({ ...this.#give(open.start, undefined), isOther: true });
      return;
    }
    const text = open.text.replace(/\r$/, "");
    found.push(this.#give(open.start, text.trim() === "" ? undefined : { kind: "text", line: 0, text }));
  }

  #give(start: number, line: BodyLine | undefined): InnerLine {
    const number = this.#number;
    this.#number += 1;
    // Read again from here, the same lines must come out in the same order.
    const isClean = start > this.#latest && [...this.#open.values()].every((open) => open.start > start);
    this.#latest = Math.max(this.#latest, start);
    return {
      start: isClean ? start : undefined,
      line: line === undefined ? undefined : { ...line, line: number },
    };
  }
}
