import { parseTrailPath, segmentPath, TILE_WIDTH } from "@evident/core";
import { listFiles } from "./list-files.ts";
import { readSeekTable, type SealedPlan } from "./sealed-file.ts";

const FOLDER = "trails/evident";

/**
 * The sealed files of `evident`, by their names and frames: the statements that record them lie in the trail itself, so they are
 * compared with them once they have been read.
 *
 * @param treeSize what is sealed is published, so files beyond are not read
 */
export async function planEvident(dataDir: string, treeSize: number): Promise<SealedPlan[]> {
  const segments: number[] = [];
  const tails: { readonly path: string; readonly first: number; readonly end: number }[] = [];
  for (const { path } of [...listFiles(dataDir, `${FOLDER}/segments`), ...listFiles(dataDir, `${FOLDER}/tails`)]) {
    const parsed = parseTrailPath(path.slice(FOLDER.length + 1));
    if (parsed?.kind === "segment" && parsed.first < treeSize) segments.push(parsed.first);
    if (parsed?.kind === "tail" && parsed.size <= treeSize) {
      tails.push({ path, first: parsed.first, end: parsed.size });
    }
  }
  const plans: SealedPlan[] = [];
  const reach = (): number => plans.at(-1)?.end ?? 0;
  const place = (first: number): string => `${FOLDER}/${segmentPath(first)}`;
  for (const [i, first] of segments.entries()) {
    if (first < reach() || first % TILE_WIDTH !== 0) continue;
    if (first > reach()) plans.push({ path: place(reach()), first: reach(), end: first });
    const table = await readSeekTable(dataDir, place(first));
    const next =
      segments[i + 1] ?? tails.find((tail) => tail.first > first)?.first ?? treeSize - (treeSize % TILE_WIDTH);
    const end = typeof table === "string" ? next : first + table.frames.length * TILE_WIDTH;
    if (end > first) plans.push({ path: place(first), first, end });
  }
  const newest = tails.filter(({ first, end }) => first === reach() && end > first).at(-1);
  return newest === undefined ? plans : [...plans, newest];
}
