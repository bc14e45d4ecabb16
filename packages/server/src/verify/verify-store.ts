import { EvidentError, parseVerifierKey } from "@evident/core";
import { sameKeys } from "./check-signatures.ts";
import { checkStrangers } from "./check-strangers.ts";
import { TrailCollector } from "./collect-trail.ts";
import { findWalKey } from "./find-wal-key.ts";
import { planEvident } from "./plan-evident.ts";
import { type WalFindings, WalScanner } from "./scan-wal.ts";
import { checkRecorded, type SealedPlan } from "./sealed-file.ts";
import type { StoreContext } from "./store-context.ts";
import { headToRemember, neededFiles, StoreFacts, type TrailFacts } from "./store-facts.ts";
import { headIn, peekClosingHeads, readCheckpointFile, statedHead } from "./trail-head.ts";
import type { Anchor } from "./types.ts";
import { type TrailToVerify, verifyTrail } from "./verify-trail.ts";

type Closing = ReturnType<typeof peekClosingHeads>;

/**
 * Verifies every trail of a store: `evident` is read first, for it states the keys, sealed files and heads of all the others.
 * Returns the anchor of `evident`, which covers all that it states. Heads to remember are noted, not saved.
 */
export async function verifyStore(context: StoreContext): Promise<Anchor> {
  const { dataDir, report, remembered } = context;
  const { evident, facts, closing } = await readEvident(context);
  const { wal } = evident;
  checkTrust(context, evident.facts);
  for (const each of facts.trails.values()) checkIdentity(context, each);
  checkStop(context, facts, evident);
  const { anchor, head } = await verifyTrail(context, evident);
  const isWhole = !report.hasFailed("evident");
  if (isWhole) {
    for (const { index, detail } of facts.contradictions) {
      report.add({ trail: "evident", index, kind: "malformed", detail });
    }
  } else report.unchecked("whether evident states all trails, keys and sealed files, since it is not whole itself");
  const heads = [{ facts: evident.facts, head }];
  for (const each of facts.trails.values()) {
    if (each === evident.facts) continue;
    const found = await readTrail(context, each, wal, closing);
    heads.push({ facts: each, head: (await verifyTrail(context, found)).head });
  }
  if (isWhole) checkStrangers({ dataDir, trails: new Set(facts.trails.keys()), wal, report });
  if (!report.hasFailed()) {
    for (const { facts: each, head: signed } of heads) {
      if (signed !== undefined) remembered?.note(each.origin, headToRemember(each, signed));
    }
  }
  return anchor;
}

/** Reads the entries of `evident`, sealed and in the log, and folds its statements. */
async function readEvident(context: StoreContext): Promise<{
  readonly evident: TrailToVerify;
  readonly facts: StoreFacts;
  readonly closing: Closing;
}> {
  const { dataDir, runner, report } = context;
  const closing = peekClosingHeads(dataDir);
  const treeSize = measuredSize(context, "evident", closing, undefined);
  const sealed = await planEvident(dataDir, treeSize);
  const collector = makeCollector(context, "evident", sealed, treeSize);
  await collector.collectSealed();
  const key = findWalKey(dataDir, collector.statements);
  if (key === undefined) report.unchecked("the log's own signatures, since the statement of its key was not found");
  const wal = await new WalScanner({ dataDir, key, runner, report }).scan();
  collector.collectLog(wal.runs.trail("evident"), wal.earlierFile ?? wal.lastFile);
  const facts = new StoreFacts();
  for (const statement of collector.statements) facts.apply(statement);
  const own = ownFacts(context, facts);
  await checkDigests(context, own);
  const evident = { facts: own, collector, sealedEnd: sealed.at(-1)?.end ?? 0, treeSize, wal };
  return { evident, facts, closing };
}

/** What `evident` states of itself; when that is lost, the trusted keys stand in for its first statement. */
function ownFacts({ trustedKeys }: StoreContext, facts: StoreFacts): TrailFacts {
  const own = facts.own();
  if (own.generations.length === 0 && trustedKeys !== undefined) {
    own.generations.push({ keys: trustedKeys, size: 0, index: 0 });
  }
  return own;
}

async function readTrail(
  context: StoreContext,
  facts: TrailFacts,
  wal: WalFindings,
  closing: Closing,
): Promise<TrailToVerify> {
  const { trail } = facts;
  const treeSize = measuredSize(context, trail, closing, facts);
  const needed = neededFiles(facts);
  const sealed = needed.map(({ file, first, end }) => ({ path: `trails/${trail}/${file}`, first, end }));
  const collector = makeCollector(context, trail, sealed, treeSize);
  await Promise.all([checkDigests(context, facts), collector.collectSealed()]);
  collector.collectLog(wal.runs.trail(trail), wal.earlierFile ?? wal.lastFile);
  return { facts, collector, sealedEnd: sealed.at(-1)?.end ?? 0, treeSize, wal };
}

async function checkDigests({ dataDir, runner, report }: StoreContext, facts: TrailFacts): Promise<void> {
  for (const file of neededFiles(facts)) await checkRecorded(file, { dataDir, trail: facts.trail, runner, report });
}

function makeCollector(
  { dataDir, runner, report, onProgress }: StoreContext,
  trail: string,
  sealed: readonly SealedPlan[],
  treeSize: number,
): TrailCollector {
  const onEntries = (done: number): void => onProgress({ trail, done, total: Math.max(done, treeSize) });
  return new TrailCollector({ dataDir, trail, sealed, treeSize, runner, report, onEntries });
}

/** The published size that entries and tiles are measured against: of the closing record, else of the checkpoint, else the last recorded. */
function measuredSize(
  { dataDir }: StoreContext,
  trail: string,
  closing: Closing,
  facts: TrailFacts | undefined,
): number {
  const closed = headIn(closing, trail);
  if (closed !== undefined) return closed.size;
  const note = readCheckpointFile(dataDir, trail);
  return (note === undefined ? undefined : statedHead(note)?.size) ?? facts?.heads.at(-1)?.size ?? 0;
}

function checkTrust({ report, trustedKeys }: StoreContext, { trail, generations, index }: TrailFacts): void {
  const stated = generations[0]?.keys ?? [];
  if (trustedKeys === undefined) {
    report.unchecked("whether the store's own keys are the right ones: its own statement of them was taken");
  } else if (!sameKeys(stated, trustedKeys)) {
    report.add({ trail, index, kind: "signature", detail: "the trail begins with other keys than the trusted ones" });
  }
}

/** A trail's keys carry its origin as their name, and are those that were remembered with it. */
function checkIdentity({ report, remembered }: StoreContext, { trail, origin, generations, index }: TrailFacts): void {
  const add = (detail: string): void => report.add({ trail: "evident", index, kind: "signature", detail });
  for (const { keys } of generations) {
    for (const key of keys) if (nameOf(key) !== origin) add(`a key of ${trail} is not one of ${origin}`);
  }
  const known = remembered?.get(origin);
  if (known !== undefined && !sameKeys(known.keys, generations[0]?.keys ?? [])) {
    add(`${trail} begins with other keys than those remembered for ${origin}`);
  }
}

function nameOf(key: string): string | undefined {
  try {
    return parseVerifierKey(key).name;
  } catch (cause) {
    if (cause instanceof EvidentError) return undefined;
    throw cause;
  }
}

/** A clean stop is stated twice, as the last entry of `evident` and by the log's closing record; a start by its epoch. */
function checkStop({ report }: StoreContext, facts: StoreFacts, { wal, treeSize, collector }: TrailToVerify): void {
  const file = wal.lastFile;
  const { stoppedAt, epoch = 0 } = facts;
  if (wal.heads === undefined && stoppedAt !== undefined && stoppedAt < treeSize) {
    const detail = `entry ${stoppedAt} of evident says that the server was stopped, but the log has no closing record`;
    report.add({ trail: "", index: null, kind: "truncated", file, detail });
  }
  if (wal.heads !== undefined && stoppedAt === undefined) {
    const detail = "the log is closed, but the last entry of evident does not say that the server was stopped";
    report.add({ trail: "evident", index: collector.tree.size, kind: "truncated", file, detail });
  }
  if (wal.epoch < epoch) {
    const detail = `the log is of epoch ${wal.epoch}, but evident says that epoch ${epoch} was begun`;
    report.add({ trail: "", index: null, kind: "rolled_back", file, detail });
  }
}
