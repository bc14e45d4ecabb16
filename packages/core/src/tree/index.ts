export { decodeBundle, encodeBundle } from "./bundle.ts";
export { asHash, emptyRoot, HASH_BYTES, type Hash, hashLeaf, hashNode, MAX_ENTRY_BYTES, splitHashes } from "./hash.ts";
export { InclusionPaths } from "./inclusion-paths.ts";
export {
  bundlePath,
  fullTileCount,
  levelCount,
  parseTilePath,
  partialTiles,
  TILE_WIDTH,
  type Tile,
  type TilePath,
  tileBytes,
  tilePath,
} from "./tile.ts";
export { consistencyPath, frontierFromTiles, inclusionPath, type ReadTile, rootFromTiles } from "./tile-proof.ts";
export {
  compactRange,
  emptyFrontier,
  extendFrontier,
  type Frontier,
  foldRight,
  frontierRoot,
  TreeBuilder,
} from "./tree-builder.ts";
export { verifyConsistency, verifyInclusion } from "./verify-proof.ts";
