export { EntryReader, type LocatedTrail, type ReadWal } from "./entry-reader.ts";
export { parseObjectName, partialTiles, pathOf } from "./paths.ts";
export { readTile, tileSource } from "./tile-reader.ts";
export {
  describeTrail,
  isSystemTrail,
  type SealedFile,
  type StatedRotation,
  SYSTEM_TRAILS,
  sealedEnd,
  segmentsEnd,
  type Trail,
} from "./trail.ts";
export { type TileBytes, TrailTree } from "./trail-tree.ts";
export { WalIndex, type WalRun } from "./wal-index.ts";
