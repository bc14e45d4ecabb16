import { asHash, equalBytes, frontierFromTiles, HASH_BYTES, TILE_WIDTH, TreeBuilder } from "@evident/core";
import type { TrailCollector } from "./collect-trail.ts";
import { tileWidth } from "./compare-tile.ts";
import type { Report } from "./report.ts";
import { runEnd, type WalRun } from "./wal-runs.ts";

/**
 * Log entries that are sealed too: they must be the same ones, and the roots that their records state those of the tree.
 * Called only when the tiles are known to be right.
 */
export async function checkOverlap(
  run: WalRun,
  at: {
    readonly trail: string;
    readonly sealedEnd: number;
    readonly treeSize: number;
    readonly collector: TrailCollector;
    readonly report: Report;
  },
): Promise<void> {
  const { trail, treeSize, collector, report } = at;
  const end = Math.min(at.sealedEnd, runEnd(run), treeSize);
  if (run.first >= end) return;
  for (let n = Math.floor(run.first / TILE_WIDTH); n * TILE_WIDTH < end; n += 1) {
    const tile = collector.readTile({ level: 0, n, width: tileWidth(treeSize, n) }) ?? new Uint8Array();
    for (let index = Math.max(run.first, n * TILE_WIDTH); index < Math.min(end, (n + 1) * TILE_WIDTH); index += 1) {
      const offset = (index % TILE_WIDTH) * HASH_BYTES;
      if (equalBytes(run.leaves.at(index - run.first), tile.subarray(offset, offset + HASH_BYTES))) continue;
      const detail = "the log holds another entry than the sealed file";
      report.add({ trail, index, kind: "edited", file: run.file, detail });
    }
  }
  const frontier = await frontierFromTiles(run.first, async (level, n, width) => {
    const count = Math.floor(treeSize / TILE_WIDTH ** level);
    const bytes = collector.readTile({ level, n, width: tileWidth(count, n) }) ?? new Uint8Array();
    return bytes.subarray(0, width * HASH_BYTES);
  });
  checkMarks(run, new TreeBuilder(frontier), end, at);
}

function checkMarks(
  run: WalRun,
  builder: TreeBuilder,
  end: number,
  at: { readonly trail: string; readonly report: Report },
): void {
  let mark = 0;
  for (let i = 0; i < end - run.first; i += 1) {
    builder.append(asHash(run.leaves.at(i)));
    if (run.markedSizes[mark] !== builder.size) continue;
    if (run.signed && !equalBytes(run.markedRoots.at(mark), builder.root())) {
      const detail = "the log states another root than the entries give up to here";
      at.report.add({ trail: at.trail, index: builder.size - 1, kind: "edited", file: run.file, detail });
    }
    mark += 1;
  }
}
