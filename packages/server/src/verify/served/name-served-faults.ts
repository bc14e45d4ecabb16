import { TILE_WIDTH } from "@evident/core";
import { leafTile } from "../judge-tile.ts";
import type { Resolution, WrongEntries, WrongTile } from "../tree-evidence.ts";
import type { ServedCollector } from "./served-collector.ts";

/**
 * Puts the blame where it belongs. Where hashes came from a tile, for want of entries, the tile is what is wrong; and bundles that
 * stand in each other's places are reordered, not edited.
 */
export function nameServedFaults(resolution: Resolution, collector: ServedCollector, size: number): Resolution {
  const { fromTile, missing } = collector;
  const places = rightPlaces(resolution, collector);
  const entries: WrongEntries[] = [];
  const tiles: WrongTile[] = [...resolution.tiles];
  for (const wrong of resolution.entries) {
    const n = Math.floor(wrong.first / TILE_WIDTH);
    if (!fromTile.has(n)) entries.push(misplaced(wrong, n, places, collector));
    else if (!missing.has(n) && !tiles.some(({ tile }) => tile.level === 0 && tile.n === n)) {
      tiles.push({
        tile: leafTile(size, n),
        kind: "edited",
        detail: "its hashes do not give the hash that the tree has",
      });
    }
  }
  return { kind: resolution.kind, entries, tiles };
}

/** The places of the wrong bundles by the root that belongs there, as far as right tiles tell it. */
function rightPlaces({ entries }: Resolution, { tileFaults }: ServedCollector): Map<string, number> {
  const places = new Map<string, number>();
  for (const { first } of entries) {
    const n = Math.floor(first / TILE_WIDTH);
    const root = tileFaults.get(n)?.root;
    if (root !== undefined) places.set(root.toHex(), n);
  }
  return places;
}

function misplaced(
  wrong: WrongEntries,
  n: number,
  places: ReadonlyMap<string, number>,
  { bundles }: ServedCollector,
): WrongEntries {
  const place = n < bundles.count ? places.get(bundles.at(n).toHex()) : undefined;
  if (place === undefined || place === n) return wrong;
  return { ...wrong, kind: "reordered", detail: `these are the entries from ${place * TILE_WIDTH} on` };
}
