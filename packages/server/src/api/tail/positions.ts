/** Next index to read of each trail. */
export type Positions = Map<string, number>;

const PART = /^(?<trail>[a-z][a-z0-9-]{0,62}):(?<next>\d{1,15})$/;

/** `main:13,other:0`: the `id` of a tail's events, given back in `Last-Event-ID` to go on from there. */
export function formatPositions(positions: ReadonlyMap<string, number>): string {
  return [...positions].map(([trail, next]) => `${trail}:${next}`).join(",");
}

/** Parses what `formatPositions` wrote; undefined for anything else. */
export function parsePositions(text: string): Positions | undefined {
  const positions: Positions = new Map();
  for (const part of text.split(",")) {
    const found = PART.exec(part)?.groups;
    const trail = found?.["trail"];
    if (trail === undefined || positions.has(trail)) return undefined;
    positions.set(trail, Number(found?.["next"]));
  }
  return positions;
}
