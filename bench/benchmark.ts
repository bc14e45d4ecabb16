/** A whole-number flag of a benchmark. `summary` states the unit. */
export interface BenchmarkFlag {
  readonly default: number;
  readonly summary: string;
}

/** What a benchmark is given: a directory of its own on the disk under test, its flags, the number of measured runs. */
export interface BenchmarkContext {
  readonly directory: string;
  readonly runs: number;
  readonly flags: Readonly<Record<string, number>>;
  /** Progress, to stderr. */
  readonly say: (text: string) => void;
}

/** What came out: rows to read, and the same and more as JSON. */
export interface BenchmarkResult {
  readonly rows: readonly (readonly [label: string, text: string])[];
  readonly data: Readonly<Record<string, unknown>>;
}

/** One benchmark of `npm run bench`. */
export interface Benchmark {
  readonly name: string;
  readonly summary: string;
  /** What is measured, what the baseline is. */
  readonly about: string;
  readonly flags: Readonly<Record<string, BenchmarkFlag>>;
  run(context: BenchmarkContext): Promise<BenchmarkResult>;
}

/** A flag's value; flags are complete when a benchmark runs. */
export function flagOf(context: BenchmarkContext, name: string): number {
  const value = context.flags[name];
  if (value === undefined) throw new Error(`the benchmark reads a flag --${name} that it does not declare`);
  return value;
}
