import { levelCount, parseTrailPath, rotationPath, segmentPath, TILE_WIDTH, tailPath, tilePath } from "@evident/core";

/** Names of a trail's objects below the data directory (DESIGN §6). */
export const pathOf = {
  trail: (trail: string) => `trails/${trail}/`,
  checkpoint: (trail: string) => `trails/${trail}/checkpoint`,
  tile: (trail: string, level: number, n: number, width: number) => `trails/${trail}/${tilePath(level, n, width)}`,
  tiles: (trail: string) => `trails/${trail}/tile/`,
  segments: (trail: string) => `trails/${trail}/segments/`,
  segment: (trail: string, first: number) => `trails/${trail}/${segmentPath(first)}`,
  tails: (trail: string) => `trails/${trail}/tails/`,
  tail: (trail: string, first: number, size: number) => `trails/${trail}/${tailPath(first, size)}`,
  rotations: (trail: string) => `trails/${trail}/rotations/`,
  rotation: (trail: string, size: number) => `trails/${trail}/${rotationPath(size)}`,
  blobs: (trail: string) => `blobs/${trail}/`,
  blob: (trail: string, id: string) => `blobs/${trail}/${id}`,
  folds: "index/folds/",
} as const;

/** What an object's name below a trail's directory says; undefined for other names. */
export function parseObjectName(trail: string, name: string): ReturnType<typeof parseTrailPath> {
  return parseTrailPath(name.slice(pathOf.trail(trail).length));
}

/** Names of the partial tiles that a trail of this published size has on disk, one a level at most. */
export function partialTiles(trail: string, size: number): readonly string[] {
  const names: string[] = [];
  for (let level = 0; levelCount(level, size) > 0; level += 1) {
    const count = levelCount(level, size);
    const width = count % TILE_WIDTH;
    if (width > 0) names.push(pathOf.tile(trail, level, (count - width) / TILE_WIDTH, width));
  }
  return names;
}
