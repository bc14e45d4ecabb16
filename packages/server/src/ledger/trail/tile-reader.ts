import { EvidentError, HASH_BYTES, levelCount, type ReadTile, TILE_WIDTH } from "@evident/core";
import type { ObjectStore } from "../storage/index.ts";
import { pathOf } from "./paths.ts";
import type { Trail } from "./trail.ts";

/**
 * `width` hashes of a tile of the tree of `size` leaves, from memory or the full tile on disk; undefined when that tree does not hold them.
 * Narrower widths than the stored tile's are its beginning, so every tile of every published size can be had although only the
 * newest partial ones are stored.
 */
export async function readTile(
  objects: ObjectStore,
  trail: Trail,
  at: { readonly level: number; readonly n: number; readonly width: number; readonly size: number },
): Promise<Uint8Array | undefined> {
  const { level, n, width } = at;
  if (width < 1 || width > TILE_WIDTH || n * TILE_WIDTH + width > levelCount(level, at.size)) return undefined;
  const inMemory = trail.tree.inMemory(level, n, width);
  if (inMemory !== undefined) return inMemory;
  const bytes = await objects.read(pathOf.tile(trail.name, level, n, TILE_WIDTH));
  return bytes?.subarray(0, width * HASH_BYTES);
}

/** Tiles of the published tree of `size` leaves for proofs and roots. @throws EvidentError `corrupt_store` for a missing one */
export function tileSource(objects: ObjectStore, trail: Trail, size: number): ReadTile {
  return async (level, n, width) => {
    const bytes = await readTile(objects, trail, { level, n, width, size });
    if (bytes === undefined) {
      throw new EvidentError("corrupt_store", `${pathOf.tile(trail.name, level, n, width)} is missing`);
    }
    return bytes;
  };
}
