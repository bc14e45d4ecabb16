/** A value found in one of the sources, with the place to name when it is wrong. */
export interface Setting {
  readonly path: string;
  readonly value: unknown;
  /** `evident.yaml:3`, `EVIDENT_LISTEN` or `--listen`. */
  readonly at: string;
  /** Directory that relative paths in it start from. */
  readonly directory: string;
}

/** What is wrong with one setting, and what to do. */
export interface ConfigProblem {
  readonly at: string;
  readonly problem: string;
  readonly fix: string;
}

/** What one source of settings came to. */
export interface Source {
  readonly settings: readonly Setting[];
  readonly problems: readonly ConfigProblem[];
}
