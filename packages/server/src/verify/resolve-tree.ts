import { equalBytes, TILE_WIDTH } from "@evident/core";
import { judgeLeafTile, judgeUpperTile } from "./judge-tile.ts";
import { findEdges, type Level, readLevels } from "./tile-levels.ts";
import { Descent, describeDiffering } from "./tree-descent.ts";
import type { Resolution, TreeEvidence, WrongTile } from "./tree-evidence.ts";

/**
 * Finds out which stored bytes are wrong when entries, tiles and signed root do not agree, from the top: whatever hashes up to the
 * signed root is right, and every part below it is measured against its parent.
 */
export async function resolveTree(evidence: TreeEvidence): Promise<Resolution> {
  const levels = await readLevels(evidence);
  const root = evidence.signedRoot ?? evidence.entriesRoot;
  if (root !== undefined && evidence.entriesRoot !== undefined && equalBytes(root, evidence.entriesRoot)) {
    const kind = evidence.signedRoot === undefined ? "unsigned" : "signed";
    return { kind, entries: [], tiles: [...wrongLeafTiles(evidence), ...wrongUpperTiles(levels)] };
  }
  const edges = root === undefined ? undefined : await findEdges(evidence, levels, root);
  return edges === undefined ? unexplained(evidence, levels) : new Descent(evidence, levels, edges).run();
}

function wrongLeafTiles({ tileFaults, size }: TreeEvidence): WrongTile[] {
  return [...tileFaults].sort(([a], [b]) => a - b).map(([n, fault]) => judgeLeafTile(size, n, fault));
}

function wrongUpperTiles(levels: readonly Level[]): WrongTile[] {
  const wrong: WrongTile[] = [];
  for (const { level, count, stored, computed } of levels) {
    for (const [n, tile] of stored.entries()) {
      const width = Math.min(TILE_WIDTH, count - n * TILE_WIDTH);
      const right = computed?.slice(n * TILE_WIDTH, n * TILE_WIDTH + width);
      const found = right === undefined ? undefined : judgeUpperTile({ level, n, width }, tile, right);
      if (found !== undefined) wrong.push(found);
    }
  }
  return wrong;
}

/** Neither entries nor tiles lead to the root: everything in which they differ is named, and both sides are suspect. */
function unexplained(evidence: TreeEvidence, levels: readonly Level[]): Resolution {
  return {
    kind: "unexplained",
    entries: [...evidence.tileFaults].flatMap(([n, fault]) => describeDiffering(n, fault)),
    tiles: [...wrongLeafTiles(evidence), ...wrongUpperTiles(levels)],
  };
}
