export { EntryReader, type LocatedTrail, type ReadWal } from "./entry-reader.ts";
export { parseObjectName, pathOf } from "./paths.ts";
export { readTile, tileSource } from "./tile-reader.ts";
export {
  describeTrail,
  isSystemTrail,
  type SealedFile,
  SYSTEM_TRAILS,
  sealedEnd,
  segmentsEnd,
  type Trail,
} from "./trail.ts";
export { type TileBytes, TrailTree } from "./trail-tree.ts";
export { WalIndex, type WalRun } from "./wal-index.ts";
