import { parseTrailPath, rotationPath, segmentPath, tailPath, tilePath } from "@evident/core";

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
