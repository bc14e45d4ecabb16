import type { Anchor, VerifyProblem, VerifyReport } from "./types.ts";

const MAX_PROBLEMS = 10_000;

/** A problem as it is found; `severity` is "failed" unless stated. */
export type FoundProblem = Omit<VerifyProblem, "severity"> & { readonly severity?: VerifyProblem["severity"] };

type TrailSummary = VerifyReport["trails"][number];

/** Gathers what a verification finds. Neighbouring ranges with the same cause become one; at most 10,000 problems are kept. */
export class Report {
  readonly #problems: VerifyProblem[] = [];
  readonly #seen = new Set<string>();
  readonly #unchecked = new Set<string>();
  readonly #trails: TrailSummary[] = [];
  #more = 0;
  #entries = 0;

  add(found: FoundProblem): void {
    const problem: VerifyProblem = { severity: "failed", ...found };
    const key = JSON.stringify([problem.trail, problem.index, problem.kind, problem.file, problem.detail]);
    if (this.#seen.has(key) || this.#extendLast(problem)) return;
    if (this.#problems.length >= MAX_PROBLEMS) {
      this.#more += 1;
      return;
    }
    this.#seen.add(key);
    this.#problems.push(problem);
  }

  unchecked(what: string): void {
    this.#unchecked.add(what);
  }

  trail(summary: TrailSummary, entries: number): void {
    this.#trails.push(summary);
    this.#entries += entries;
  }

  /** Whether something is wrong with a trail, or with anything when none is named. */
  hasFailed(trail?: string): boolean {
    return this.#problems.some(
      (problem) => problem.severity === "failed" && (trail === undefined || problem.trail === trail),
    );
  }

  finish(anchor: Anchor): VerifyReport {
    if (this.#more > 0) this.#unchecked.add(`${this.#more} further problems are not listed`);
    const failed = this.hasFailed();
    return {
      verdict: failed ? "failed" : this.#problems.length > 0 ? "gaps" : "verified",
      anchor,
      entries: this.#entries,
      trails: this.#trails,
      unchecked: [...this.#unchecked],
      problems: this.#problems,
    };
  }

  #extendLast(problem: VerifyProblem): boolean {
    const last = this.#problems.at(-1);
    if (last === undefined || last.index === null || problem.index === null) return false;
    const end = last.end ?? last.index + 1;
    const isSame =
      last.trail === problem.trail &&
      last.kind === problem.kind &&
      last.file === problem.file &&
      last.severity === problem.severity &&
      last.detail === problem.detail &&
      end === problem.index;
    if (isSame) this.#problems[this.#problems.length - 1] = { ...last, end: problem.end ?? problem.index + 1 };
    return isSame;
  }
}
