import { strangeAnswer } from "../client/index.ts";

/** What became of the lines; `read` is the sum of the others. */
export interface Counts {
  readonly read: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly folded: number;
  readonly quarantined: number;
  /** Lines of a log that are no accesses, or belong to another line's event. */
  readonly skipped: number;
}

/** Why a line is in quarantine, as the server says it. */
export interface Refusal {
  /** In the input, from 1. */
  readonly line: number;
  readonly id?: string;
  readonly place: string;
  readonly reasons: readonly { readonly field: string; readonly problem: string; readonly fix: string }[];
}

/** The server's verdict on one line. */
export interface Result {
  readonly line: number;
  readonly id?: string;
  readonly trail: string;
  readonly index: number;
  readonly status: "stored" | "duplicate" | "quarantined" | "folded";
  readonly reasons?: Refusal["reasons"];
}

const statuses: readonly unknown[] = ["stored", "duplicate", "quarantined", "folded"] satisfies Result["status"][];

export function isResult(value: unknown): value is Result {
  if (typeof value !== "object" || value === null) return false;
  const { status, reasons = [] } = value as { readonly status?: unknown; readonly reasons?: unknown };
  return statuses.includes(status) && Array.isArray(reasons) && reasons.every(isReason);
}

function isReason(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { field, problem, fix } = value as Readonly<Record<string, unknown>>;
  return [field, problem, fix].every((text) => typeof text === "string");
}

/** @throws EvidentError `unreachable` for what is no verdict */
export function parseResult(value: unknown): Result {
  if (isResult(value)) return value;
  throw strangeAnswer("verdict");
}

/** The line of the input for a line of the body, both from 1. */
export type LineOf = (line: number) => number;

/** Counts verdicts and tells of quarantined lines. */
export class Tally {
  readonly #onRefusal: (refusal: Refusal) => void;
  #accepted = 0;
  #duplicates = 0;
  #folded = 0;
  #quarantined = 0;
  readonly #skipped = new Map<string, number>();

  constructor(onRefusal: (refusal: Refusal) => void) {
    this.#onRefusal = onRefusal;
  }

  /** Takes a result line; `lineOf` gives the line of the input for the line of the body. */
  take(text: string, lineOf: LineOf): void {
    // Nearly all of them, a hundred thousand a second: not worth parsing.
    if (text.endsWith('"status":"stored"}')) {
      this.#accepted += 1;
      return;
    }
    this.add(parseResult(JSON.parse(text)), lineOf);
  }

  /** Counts lines that are not sent, with why in a few words. */
  skip(why: string, lines: number): void {
    this.#skipped.set(why, (this.#skipped.get(why) ?? 0) + lines);
  }

  /** Why lines were not sent, the most frequent first. */
  get skipped(): readonly (readonly [why: string, lines: number])[] {
    return [...this.#skipped].sort(([, left], [, right]) => right - left);
  }

  add(result: Result, lineOf: LineOf): void {
    switch (result.status) {
      case "stored":
        this.#accepted += 1;
        break;
      case "duplicate":
        this.#duplicates += 1;
        break;
      case "folded":
        this.#folded += 1;
        break;
      case "quarantined": {
        this.#quarantined += 1;
        const { id, reasons = [], trail, index } = result;
        const line = lineOf(result.line);
        this.#onRefusal({ line, place: `${trail}:${index}`, reasons, ...(id === undefined ? {} : { id }) });
      }
    }
  }

  get counts(): Counts {
    const [accepted, duplicates, folded, quarantined] = [
      this.#accepted,
      this.#duplicates,
      this.#folded,
      this.#quarantined,
    ];
    const skipped = [...this.#skipped.values()].reduce((sum, lines) => sum + lines, 0);
    const read = accepted + duplicates + folded + quarantined + skipped;
    return { read, accepted, duplicates, folded, quarantined, skipped };
  }
}
