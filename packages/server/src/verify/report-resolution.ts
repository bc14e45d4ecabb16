import { TILE_WIDTH, tilePath } from "@evident/core";
import type { Report } from "./report.ts";
import type { Resolution } from "./tree-evidence.ts";

/** Puts what is wrong with a tree into the report. */
export function reportResolution(
  resolution: Resolution,
  at: {
    readonly trail: string;
    readonly report: Report;
    readonly treeSize: number;
    /** Full name of a file of the trail. */
    readonly file: (name: string) => string;
    /** The file that holds an entry, where one is known. */
    readonly fileOf: (index: number) => string | undefined;
  },
): void {
  const { trail, report, treeSize } = at;
  for (const { first, end, kind, detail } of resolution.entries) {
    const file = at.fileOf(first);
    report.add({ trail, index: first, end, kind, detail, ...(file === undefined ? {} : { file }) });
  }
  for (const { tile, kind, detail } of resolution.tiles) {
    const index = tile.n * TILE_WIDTH ** (tile.level + 1);
    const end = index + tile.width * TILE_WIDTH ** tile.level;
    report.add({ trail, index, end, kind, file: at.file(tilePath(tile.level, tile.n, tile.width)), detail });
  }
  if (resolution.kind === "unexplained") {
    const detail = `neither the entries nor the tiles give the signed root of size ${treeSize}`;
    report.add({ trail, index: null, kind: "forked", file: at.file("checkpoint"), detail });
  }
}
