import { type Reading, toSubmission } from "@evident/server";
import { type LineBatch, MAX_BYTES, MAX_LINES, type Tally } from "../ingest/index.ts";
import type { Generation, Position } from "./generation.ts";

/** How far a batch has got in one file. */
export interface Contribution {
  readonly generation: Generation;
  /** What the generation's may be set to when everything of the batch has a verdict. */
  readonly position: Position;
  /** Bytes that were read for it. */
  readonly readTo: number;
  readonly clockMs: number;
}

interface Origin {
  readonly path: string;
  readonly line: number;
}

/** What goes to the server in one body, of several files, and how far each was read for it. */
export class FollowBatch implements LineBatch {
  readonly lines: Buffer[] = [];
  readonly clockMs: number;
  readonly contributions = new Map<number, Contribution>();
  readonly #source: string | undefined;
  readonly #tally: Tally;
  readonly #origins: Origin[] = [];
  #sizeBytes = 0;

  constructor(source: string | undefined, tally: Tally, clockMs: number) {
    this.#source = source;
    this.#tally = tally;
    this.clockMs = clockMs;
  }

  get isEmpty(): boolean {
    return this.contributions.size === 0;
  }

  get isFull(): boolean {
    return this.lines.length >= MAX_LINES || this.#sizeBytes >= MAX_BYTES;
  }

  addReadings(path: string, readings: readonly Reading[]): void {
    for (const reading of readings) {
      const text = toSubmission(reading, this.#source);
      if (text !== undefined) this.addLine(path, reading.line, text);
      else this.skip(reading.kind === "skipped" ? reading.why : "part of another event", reading.lines);
    }
  }

  addLine(path: string, line: number, text: string): void {
    const bytes = Buffer.from(`${text}\n`);
    this.lines.push(bytes);
    this.#origins.push({ path, line });
    this.#sizeBytes += bytes.length;
  }

  skip(why: string, lines: number): void {
    this.#tally.skip(why, lines);
  }

  /** Where a line of the batch comes from, from 1. */
  originOf(line: number): Origin {
    return this.#origins[line - 1] ?? { path: "", line: 0 };
  }

  lineOf = (line: number): number => line;
}
