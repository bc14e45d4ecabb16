import type { NativeRecord } from "./native-record.ts";

/** First and last line of records that follow each other. */
export type LineRange = readonly [first: number, last: number];

/** Where an input can be read again from without losing, doubling or changing a record. */
export interface ResumePoint {
  /** The first line that has not come out whole, from 1. */
  readonly line: number;
  /** The key before it. */
  readonly key: string;
  /** The first line that has not been read; absent when that is `line`. */
  readonly next?: number;
  /** Lines before `next` that have not come out, in order; the others between `line` and `next` have, and must not be read again. */
  readonly waiting?: readonly LineRange[];
}

/** The records that a session has taken and not given, with the keys before them. */
export class InFlight {
  readonly #keys = new Map<NativeRecord, string>();

  add(record: NativeRecord, keyBefore: string): void {
    this.#keys.set(record, keyBefore);
  }

  remove(record: NativeRecord): void {
    this.#keys.delete(record);
  }

  /** Forgets records before the oldest that is held: whatever was made of them, nothing more will come. */
  keepFrom(oldest: NativeRecord | undefined): void {
    if (oldest === undefined) {
      if (this.#keys.size > 0) this.#keys.clear();
      return;
    }
    for (const record of this.#keys.keys()) {
      if (record.line >= oldest.line) return;
      this.#keys.delete(record);
    }
  }

  /** Line and key of the oldest. */
  get first(): { readonly line: number; readonly key: string } | undefined {
    for (const [{ line }, key] of this.#keys) return { line, key };
    return undefined;
  }

  /** Lines of all, in order. */
  ranges(): LineRange[] {
    return Array.from(this.#keys.keys(), ({ line, lines }) => [line, line + lines - 1] as const);
  }
}

/** Which lines of a part of the input that was read before are to be read again. Asked in order. */
export class Replay {
  readonly #next: number;
  readonly #waiting: readonly LineRange[];
  #at = 0;

  constructor({
    line,
    next = line,
    waiting = [],
  }: { readonly line: number; readonly next?: number; readonly waiting?: readonly LineRange[] }) {
    this.#next = next;
    this.#waiting = waiting;
  }

  /** Whether a line has come out already. */
  isDone(line: number): boolean {
    if (line >= this.#next) return false;
    for (let range = this.#waiting[this.#at]; range !== undefined && range[1] < line; range = this.#waiting[this.#at]) {
      this.#at += 1;
    }
    const range = this.#waiting[this.#at];
    return range === undefined || line < range[0];
  }

  /** What is left to be told apart from a line on; undefined when nothing is. */
  rest(from: number): { readonly next: number; readonly waiting: readonly LineRange[] } | undefined {
    if (from >= this.#next) return undefined;
    const waiting = this.#waiting.flatMap(([first, last]): readonly LineRange[] =>
      last < from ? [] : [[Math.max(first, from), last]],
    );
    return { next: this.#next, waiting };
  }
}
