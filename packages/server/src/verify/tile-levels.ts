import { equalBytes, type Hash, levelCount, splitHashes, TILE_WIDTH, TreeBuilder, tileBytes } from "@evident/core";
import { type HashList, levelAbove } from "./trail-tree.ts";
import type { TreeEvidence } from "./tree-evidence.ts";

/** Hashes of one level from 1 on: the tiles as they are stored, and the same as the entries give them. */
export interface Level {
  readonly level: number;
  readonly count: number;
  readonly stored: readonly (Uint8Array | undefined)[];
  /** Undefined when the entries do not reach to the level's last hash. */
  readonly computed: HashList | undefined;
}

/** Reads the tiles of all levels above 0: one hash for each 256 of the level below, so little even for a large trail. */
export async function readLevels(evidence: TreeEvidence): Promise<Level[]> {
  const { size, bundles, readTile } = evidence;
  const levels: Level[] = [];
  let computed: HashList | undefined = bundles;
  for (let level = 1; levelCount(level, size) > 0; level += 1) {
    const count = levelCount(level, size);
    const stored: (Uint8Array | undefined)[] = [];
    for (let n = 0; n * TILE_WIDTH < count; n += 1) {
      stored.push(await readTile({ level, n, width: Math.min(TILE_WIDTH, count - n * TILE_WIDTH) }));
    }
    const whole: HashList | undefined = computed !== undefined && computed.count >= count ? computed : undefined;
    levels.push({ level, count, stored, computed: whole });
    computed = whole === undefined ? undefined : levelAbove(whole);
  }
  return levels;
}

/** The hashes of the partial tiles of all levels, 0 first: together they give the root. */
export type Edges = readonly Uint8Array[];

/**
 * Takes for each level's partial tile the stored or the computed hashes, so that all together give the root; stored ones are tried
 * first. Undefined when no choice gives it.
 */
export async function findEdges(
  evidence: TreeEvidence,
  levels: readonly Level[],
  root: Hash,
): Promise<Edges | undefined> {
  const choices = [await leafChoices(evidence)];
  for (const { count, stored, computed } of levels) {
    const width = count % TILE_WIDTH;
    const tile = stored[Math.floor(count / TILE_WIDTH)];
    choices.push(choose(width, tile, computed?.slice(count - width, count)));
  }
  let partial: Uint8Array[][] = [[]];
  for (const options of choices) partial = partial.flatMap((edges) => options.map((option) => [...edges, option]));
  return partial.find((edges) => equalBytes(rootOfEdges(edges), root));
}

async function leafChoices({ size, lastLeaves, readTile }: TreeEvidence): Promise<Uint8Array[]> {
  const width = size % TILE_WIDTH;
  const tile = width === 0 ? undefined : await readTile({ level: 0, n: Math.floor(size / TILE_WIDTH), width });
  return choose(width, tile, lastLeaves);
}

function choose(width: number, ...sources: readonly (Uint8Array | undefined)[]): Uint8Array[] {
  if (width === 0) return [new Uint8Array()];
  const options: Uint8Array[] = [];
  for (const source of sources) {
    if (source?.length === tileBytes(width) && !options.some((option) => equalBytes(option, source)))
      options.push(source);
  }
  return options;
}

function rootOfEdges(edges: Edges): Hash {
  const builder = new TreeBuilder();
  for (let level = edges.length - 1; level >= 0; level -= 1) {
    for (const hash of splitHashes(edges[level] ?? new Uint8Array())) builder.appendSubtree(hash, 8 * level);
  }
  return builder.root();
}
