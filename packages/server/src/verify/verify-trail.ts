import { equalBytes, type Hash, toBase64 } from "@evident/core";
import { anchorOf, checkHeads, type HeadToCheck, rememberedHead, rootAt, type VerifiedTree } from "./check-heads.ts";
import { checkOverlap } from "./check-overlap.ts";
import { checkRotations, invalidKind, openTrailCheckpoint, storedRotations } from "./check-signatures.ts";
import { checkBlobFiles, checkTrailFiles } from "./check-trail-files.ts";
import type { TrailCollector } from "./collect-trail.ts";
import type { Report } from "./report.ts";
import { reportResolution } from "./report-resolution.ts";
import { resolveTree } from "./resolve-tree.ts";
import type { WalFindings } from "./scan-wal.ts";
import { statedHash } from "./stated-hash.ts";
import type { StoreContext } from "./store-context.ts";
import type { Generation, TrailFacts } from "./store-facts.ts";
import { headIn, readCheckpointFile, type StatedHead, statedHead } from "./trail-head.ts";
import type { Resolution } from "./tree-evidence.ts";
import type { Anchor } from "./types.ts";

/** Trees larger than what was found by more than this are not walked: their size is not to be believed. */
const BELIEVABLE_ENTRIES = 2 ** 26;

/** A trail whose entries have been read. */
export interface TrailToVerify {
  readonly facts: TrailFacts;
  readonly collector: TrailCollector;
  /** End of the sealed entries. */
  readonly sealedEnd: number;
  /** Published size that entries and tiles were measured against. */
  readonly treeSize: number;
  readonly wal: WalFindings;
}

/** Checks everything about one trail that its entries, its files and the statements of `evident` allow. */
export async function verifyTrail(
  context: StoreContext,
  found: TrailToVerify,
): Promise<{ readonly anchor: Anchor; readonly head: StatedHead | undefined }> {
  const { report, dataDir } = context;
  const { facts, collector, wal, treeSize } = found;
  const { trail } = facts;
  const isClean = wal.heads !== undefined;
  const { signed, by } = openHead(context, found);
  checkCoverage(context, found, signed);
  const isUnderWay = !isClean && by !== facts.generations.at(-1);
  const rotations = await checkRotations(facts, storedRotations(dataDir, trail), report, isUnderWay);
  const reference = signed ?? referenceHead(found);
  const resolution = await resolve(context, found, reference?.root);
  const isFound = resolution?.kind === "signed" && signed?.size === treeSize;
  const tree: VerifiedTree = {
    trail,
    size: signed?.size ?? treeSize,
    root: signed?.root ?? collector.headRoot ?? collector.tree.root(),
    readTile: isFound && resolution.tiles.length === 0 ? (tile) => collector.readTile(tile) : undefined,
  };
  const remembered = context.remembered?.get(facts.origin);
  await checkHeads(tree, headsToCheck(context, found, rotations), report);
  await checkMarks(tree, collector, resolution, report);
  if (tree.readTile !== undefined) {
    for (const run of wal.runs.trail(trail).runs) {
      await checkOverlap(run, { trail, sealedEnd: found.sealedEnd, treeSize, collector, report });
    }
  }
  checkTrailFiles({
    dataDir,
    facts,
    treeSize,
    committedSize: collector.tree.size,
    isClean,
    rotations: new Set(rotations.map(({ file }) => file)),
    report,
  });
  const { blobIds, pendingBlobs } = collector;
  if (collector.found >= collector.tree.size) {
    checkBlobFiles({ dataDir, trail, blobIds, pendingBlobs, isClean, report });
  } else report.unchecked(`${trail}: whether all its blobs belong to entries, since entries are missing`);
  const anchor = anchorOf(remembered);
  const wrong = (resolution?.entries ?? []).reduce((sum, { first, end }) => sum + end - first, 0);
  const entries = isFound ? Math.max(0, Math.min(collector.found, treeSize) - wrong) : 0;
  const { origin } = facts;
  report.trail({ trail, origin, size: tree.size, root: toBase64(tree.root), anchor }, entries);
  return { anchor, head: isFound ? signed : undefined };
}

/** The head of the trail's checkpoint when its signatures hold, and the keys that made them. */
function openHead(
  context: StoreContext,
  { facts, wal, collector }: TrailToVerify,
): { readonly signed: StatedHead | undefined; readonly by: Generation | undefined } {
  const { dataDir, report } = context;
  const { trail, generations } = facts;
  const none = { signed: undefined, by: undefined };
  const file = `trails/${trail}/checkpoint`;
  const note = readCheckpointFile(dataDir, trail);
  if (note === undefined) {
    const isNew =
      wal.heads === undefined && facts.heads.length === 0 && facts.segments.length + facts.tails.length === 0;
    if (isNew) report.unchecked(`${trail}: ${collector.tree.size} entries are not under a checkpoint yet`);
    else report.add({ trail, index: null, kind: "missing", file, detail: "the checkpoint is not there" });
    return none;
  }
  if (generations.length === 0) {
    report.unchecked(`${trail}: the signatures of its checkpoint, since the statement of its keys was not found`);
    return none;
  }
  const { opened, by } = openTrailCheckpoint(note, generations, wal.heads === undefined);
  if (opened.kind === "invalid") {
    report.add({ trail, index: null, kind: invalidKind(opened.why), file, detail: opened.detail });
    return none;
  }
  const signed = statedHead(note);
  if (signed === undefined) {
    report.add({ trail, index: null, kind: "malformed", file, detail: "the size is beyond 2^53" });
  }
  return { signed, by };
}

/** A head to measure against when the checkpoint does not serve: from the closing record, else the newest that `evident` recorded. */
function referenceHead({ facts, wal, treeSize }: TrailToVerify): StatedHead | undefined {
  const recorded = facts.heads.at(-1);
  const heads = [
    headIn(wal.heads, facts.trail),
    recorded === undefined ? undefined : { size: recorded.size, root: statedHash(recorded.root) },
  ];
  return heads.find((head) => head?.size === treeSize);
}

function checkCoverage(context: StoreContext, found: TrailToVerify, signed: StatedHead | undefined): void {
  const { facts, collector, wal, treeSize, sealedEnd } = found;
  const { trail } = facts;
  const { report } = context;
  const reach = collector.tree.size;
  const needed = Math.max(signed?.size ?? 0, treeSize);
  if (needed > reach) {
    const file = collector.expectedFile(wal.lastFile);
    const why = wal.nextFile === undefined ? "" : `; ${wal.lastFile} was cut, or ${wal.nextFile} is gone`;
    const detail = `the entries end at ${reach}, the published head has size ${needed}${why}`;
    report.add({ trail, index: reach, end: needed, kind: "truncated", file, detail });
  }
  if (signed !== undefined && signed.size > treeSize) {
    const detail = `the log was closed at size ${treeSize}, before the published head of size ${signed.size}`;
    report.add({ trail, index: treeSize, end: signed.size, kind: "rolled_back", file: wal.lastFile, detail });
  }
  if (signed !== undefined && signed.size < sealedEnd) {
    const file = `trails/${trail}/checkpoint`;
    const detail = `the checkpoint has size ${signed.size}, but entries up to ${sealedEnd} are sealed, which only published ones are`;
    report.add({ trail, index: signed.size, end: sealedEnd, kind: "rolled_back", file, detail });
  }
  if (signed !== undefined && reach > signed.size && wal.heads === undefined) {
    report.unchecked(`${trail}: entries ${signed.size} to ${reach - 1} are committed, but not under a checkpoint yet`);
  }
}

async function resolve(
  context: StoreContext,
  found: TrailToVerify,
  signedRoot: Hash | undefined,
): Promise<Resolution | undefined> {
  const { report } = context;
  const { facts, collector, treeSize } = found;
  const { trail } = facts;
  if (treeSize > collector.tree.size + BELIEVABLE_ENTRIES) {
    report.unchecked(`${trail}: its hash tiles, since most of its entries are missing`);
    return undefined;
  }
  const resolution = await resolveTree({
    size: treeSize,
    signedRoot,
    entriesRoot: collector.headRoot,
    bundles: collector.tree.bundles,
    lastLeaves: collector.headLeaves,
    tileFaults: collector.tileFaults,
    readTile: (tile) => Promise.resolve(collector.readTile(tile)),
  });
  const file = (name: string): string => `trails/${trail}/${name}`;
  reportResolution(resolution, { trail, report, treeSize, file, fileOf: (index) => collector.fileOf(index) });
  return resolution;
}

/** Reports the roots in the log that are wrong themselves, not those that are only spoilt by a wrong entry before them. */
async function checkMarks(
  tree: VerifiedTree,
  { doubtfulMarks }: TrailCollector,
  resolution: Resolution | undefined,
  report: Report,
): Promise<void> {
  for (const { size, root, file } of doubtfulMarks) {
    const right = size <= tree.size ? await rootAt(tree, size) : undefined;
    const isExplained = right === undefined ? (resolution?.entries.length ?? 0) > 0 : equalBytes(right, root);
    if (isExplained) continue;
    const detail = "the log states another root than the entries give up to here";
    report.add({ trail: tree.trail, index: size - 1, kind: "edited", file, detail });
  }
}

function headsToCheck(
  context: StoreContext,
  { facts, wal }: TrailToVerify,
  rotations: readonly { readonly file: string; readonly head: StatedHead }[],
): HeadToCheck[] {
  const file = `trails/${facts.trail}/checkpoint`;
  const heads: HeadToCheck[] = facts.heads.map(({ size, root, index }) => {
    return { size, root: statedHash(root), by: `the head in entry ${index} of evident`, file };
  });
  for (const rotation of rotations) heads.push({ ...rotation.head, by: "the rotation note", file: rotation.file });
  const closing = headIn(wal.heads, facts.trail);
  if (closing !== undefined) heads.push({ ...closing, by: "the head in the log's closing record", file });
  heads.push(...rememberedHead(context.remembered, facts.origin, file));
  return heads;
}
