/** Widths that people read well. */
const niceMs = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
  3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 2_592_000_000, 31_536_000_000,
];

const wantedBuckets = 60;
const mostBuckets = 2_000;

/** Division that rounds down, also below zero. */
function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return quotient * by > value ? quotient - 1n : quotient;
}

/** Buckets of equal width that begin at whole multiples of it since 1970. */
export interface Buckets {
  readonly intervalMs: number;
  readonly widthNs: bigint;
  /** Start of the first bucket. */
  readonly startNs: bigint;
}

function bucketsOf(intervalMs: number, minNs: bigint): Buckets {
  const widthNs = BigInt(intervalMs) * 1_000_000n;
  return { intervalMs, widthNs, startNs: floorDivide(minNs, widthNs) * widthNs };
}

function countOf({ widthNs, startNs }: Buckets, maxNs: bigint): bigint {
  return (maxNs - startNs) / widthNs + 1n;
}

/** Buckets for times from `minNs` to `maxNs`: about 60 where no width is asked for, and never over 2,000. */
export function chooseBuckets(askedMs: number | undefined, minNs: bigint, maxNs: bigint): Buckets {
  if (askedMs === undefined) {
    for (const nice of niceMs) {
      const buckets = bucketsOf(nice, minNs);
      if (countOf(buckets, maxNs) <= wantedBuckets + 1) return buckets;
    }
  }
  const given = askedMs ?? niceMs.at(-1) ?? 1;
  for (let factor = 1; ; factor *= 2) {
    const buckets = bucketsOf(given * factor, minNs);
    if (countOf(buckets, maxNs) <= mostBuckets) return buckets;
  }
}
