/** What is wrong with a search text: `at` and `length` count UTF-16 units of it. */
export interface SearchProblem {
  readonly at: number;
  readonly length: number;
  readonly message: string;
  readonly fix: string;
}

/** Carries a problem out of the recursive parser; never leaves `parseSearch`. */
export class SearchProblemSignal extends Error {
  readonly problem: SearchProblem;

  constructor(problem: SearchProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Stops parsing at a place in the text. */
export function fail(at: number, length: number, message: string, fix: string): never {
  throw new SearchProblemSignal({ at, length, message, fix });
}

/** A piece of the user's text, short enough for a message. */
export function excerpt(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
