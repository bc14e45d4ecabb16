import { fullTileCount, levelCount, parseTilePath, parseTrailPath, TILE_WIDTH, toHex } from "@evident/core";
import { listFiles } from "./list-files.ts";
import type { Report } from "./report.ts";
import { neededFiles, type TrailFacts } from "./store-facts.ts";

/** What a trail's folders may hold. */
export interface ExpectedFiles {
  readonly dataDir: string;
  readonly facts: TrailFacts;
  /** Published size: the tiles that belong there. */
  readonly treeSize: number;
  /** Size with what is committed but not published: a crash may leave its tiles. */
  readonly committedSize: number;
  /** A store that stopped cleanly holds nothing that a crash leaves behind. */
  readonly isClean: boolean;
  /** Names of rotation notes that statements explain, relative to the data directory. */
  readonly rotations: ReadonlySet<string>;
  readonly report: Report;
}

/** Accounts for every file of a trail's folder. */
export function checkTrailFiles(expected: ExpectedFiles): void {
  const { dataDir, facts, isClean, report } = expected;
  const folder = `trails/${facts.trail}/`;
  const needed = new Set(neededFiles(facts).map(({ file }) => file));
  for (const { path, kind } of listFiles(dataDir, folder.slice(0, -1))) {
    const name = path.slice(folder.length);
    if (kind === "file" && (name === "checkpoint" || needed.has(name) || expected.rotations.has(path))) continue;
    if (kind === "file" && name.startsWith("tile/") && isTileOf(name, expected.treeSize)) continue;
    if (kind === "file" && !isClean && isLeftover(name, expected)) continue;
    report.add({ trail: facts.trail, index: null, kind: "stray", file: path, detail: "nothing explains this file" });
  }
}

/** Whether a name is that of a hash tile, full or partial, of the tree of this size. */
function isTileOf(name: string, size: number): boolean {
  const tile = parseTilePath(name);
  if (tile?.kind !== "tile") return false;
  const full = fullTileCount(tile.level, size);
  if (tile.width === TILE_WIDTH) return tile.n < full;
  return tile.n === full && tile.width === levelCount(tile.level, size) % TILE_WIDTH;
}

/** What a crash between two steps leaves: tiles before their checkpoint, partial tiles after it, sealed files before or after their record. */
function isLeftover(name: string, { facts, treeSize, committedSize, report }: ExpectedFiles): boolean {
  const tile = parseTilePath(name);
  if (tile?.kind === "tile") {
    return (tile.n * TILE_WIDTH + tile.width) * TILE_WIDTH ** tile.level <= committedSize;
  }
  if (facts.tails.some(({ file }) => file === name)) return true;
  const parsed = parseTrailPath(name);
  const segmentsEnd = facts.segments.at(-1)?.end ?? 0;
  // Only what is published is sealed. A rotation note is written after its statement, so none is left over.
  const isUnrecorded =
    (parsed?.kind === "segment" && parsed.first === segmentsEnd && parsed.first < treeSize) ||
    (parsed?.kind === "tail" && parsed.first >= segmentsEnd && parsed.size <= treeSize);
  if (isUnrecorded) report.unchecked(`${facts.trail}: ${name}, which a crash has left without a record of its digest`);
  return isUnrecorded;
}

/** Accounts for every file of a trail's blobs, given the ids that its entries name. */
export function checkBlobFiles(options: {
  readonly dataDir: string;
  readonly trail: string;
  readonly blobIds: readonly Uint8Array[];
  readonly pendingBlobs: readonly string[];
  readonly isClean: boolean;
  readonly report: Report;
}): void {
  const { dataDir, trail, blobIds, pendingBlobs, isClean, report } = options;
  const named = new Set<string>();
  for (const ids of blobIds) {
    for (let at = 0; at < ids.length; at += 16) named.add(toHex(ids.subarray(at, at + 16)));
  }
  for (const { path, kind } of listFiles(dataDir, `blobs/${trail}`)) {
    const name = path.slice(`blobs/${trail}/`.length);
    if (kind === "file" && named.has(name)) continue;
    if (kind === "file" && !isClean && /^[0-9a-f]{32}\.pending$/.test(name)) continue;
    report.add({ trail, index: null, kind: "stray", file: path, detail: "no entry names this blob" });
  }
  if (!isClean) return;
  for (const id of new Set(pendingBlobs)) {
    const file = `blobs/${trail}/${id}`;
    report.add({
      trail,
      index: null,
      kind: "missing",
      file,
      detail: "the blob never got its name, although the store was stopped",
    });
  }
}
