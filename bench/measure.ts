/** Order statistics of one quantity, in its own unit. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

function round(value: number): number {
  return Number(value.toPrecision(5));
}

/** The nearest-rank percentiles of samples. */
export function distributionOf(samples: readonly number[]): Distribution {
  const sorted = Float64Array.from(samples).sort();
  const at = (part: number): number => round(sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0);
  const mean = round(sorted.reduce((sum, each) => sum + each, 0) / Math.max(1, sorted.length));
  return { count: sorted.length, mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** Median, least and most of what several runs gave. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** How far runs lie apart. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
  return { median: round(median), least: round(sorted[0] ?? 0), most: round(sorted.at(-1) ?? 0) };
}

const MEBIBYTE = 1024 * 1024;

/** Time, processor time and memory of this process between `start` and `stop`. */
export interface Usage {
  readonly wallMs: number;
  /** Processor time over wall time: 1 is one core. */
  readonly cores: number;
  /** Largest resident size of the process so far, in MiB. */
  readonly peakMiB: number;
}

/** Begins to measure this process; call the result to end. */
export function startUsage(): () => Usage {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  return () => {
    const wallMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    return {
      wallMs: round(wallMs),
      cores: round((user + system) / 1_000 / wallMs),
      peakMiB: Math.round(process.resourceUsage().maxRSS / 1_024),
    };
  };
}

/** `1234567` as `1,234,567`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A rate of runs: the median, then least and most. */
export function showSpread({ median, least, most }: Spread, unit: string): string {
  return `${whole(median)} ${unit}  (${whole(least)} to ${whole(most)})`;
}

/** Percentiles in milliseconds. */
export function showMs({ p50, p90, p99, max }: Distribution): string {
  const shown = [p50, p90, p99, max].map((value) => value.toFixed(value < 10 ? 2 : 1));
  return `p50 ${shown[0]}, p90 ${shown[1]}, p99 ${shown[2]}, most ${shown[3]} ms`;
}

/** Bytes a second in MiB/s. */
export function mebibytes(bytes: number): number {
  return round(bytes / MEBIBYTE);
}
