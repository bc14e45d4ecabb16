const FIRST_TIER = 4_096;
/** Runs of about one size that are merged into one four times as large. */
const RUNS_PER_MERGE = 4;

function tierOf(records: number): number {
  return Math.max(0, Math.floor(Math.log2(records / FIRST_TIER) / 2));
}

/** The runs to merge next, as given, or none: four of the smallest tier that has them. */
export function chooseMerge<Run extends { readonly facts: { readonly records: number } }>(
  runs: readonly Run[],
): readonly Run[] {
  const tiers = Map.groupBy(runs, ({ facts }) => tierOf(facts.records));
  for (const tier of [...tiers.keys()].sort((a, b) => a - b)) {
    const candidates = tiers.get(tier) ?? [];
    if (candidates.length >= RUNS_PER_MERGE) return candidates.slice(0, RUNS_PER_MERGE);
  }
  return [];
}
