import { equalBytes, TILE_WIDTH, toBase64 } from "@evident/core";
import { anchorOf, checkHeads, type HeadToCheck, rememberedHead } from "../check-heads.ts";
import type { OpenedRotation } from "../check-signatures.ts";
import type { RememberedHead } from "../remembered-heads.ts";
import { reportResolution } from "../report-resolution.ts";
import { resolveTree } from "../resolve-tree.ts";
import { statedHash } from "../stated-hash.ts";
import { headToRemember, type TrailFacts } from "../store-facts.ts";
import type { FoundStatement } from "../tasks.ts";
import type { Resolution } from "../tree-evidence.ts";
import type { Anchor } from "../types.ts";
import { logPaths } from "./log-paths.ts";
import { nameServedFaults } from "./name-served-faults.ts";
import { openServedHead, openServedRotations, type SignedHead } from "./open-served-head.ts";
import type { PinnedTrail } from "./pin-trail.ts";
import { ServedCollector } from "./served-collector.ts";
import type { ServedContext } from "./served-context.ts";
import { judgeTrust, keysFromServer, keysFromStatements, type ServedKeys, type Trust } from "./served-keys.ts";
import { ServedTiles } from "./served-tiles.ts";

/**
 * Where the keys of a trail and the heads that were recorded of it are known from: a verified `evident`, with the trust in it; for
 * `evident` itself its own statements, once they are read; or nothing but the server's word.
 */
export type TrailSource =
  | { readonly kind: "stated"; readonly facts: TrailFacts; readonly trust: Trust }
  | { readonly kind: "own"; readonly fold: (statements: readonly FoundStatement[]) => TrailFacts | undefined }
  | { readonly kind: "server" };

/** What became of one trail. */
export interface ServedTrailOutcome {
  readonly collector: ServedCollector;
  readonly trust: Trust;
  readonly anchor: Anchor;
  /** What to remember, when the trail is right and its keys are known. */
  readonly head: { readonly origin: string; readonly remembered: RememberedHead } | undefined;
}

/**
 * Verifies one trail up to its pinned head: every entry, every tile, signatures, changes of keys, and the heads that are known
 * of it from elsewhere.
 */
export async function verifyServedTrail(
  context: ServedContext,
  pinned: PinnedTrail,
  source: TrailSource,
): Promise<ServedTrailOutcome> {
  const { report, remembered } = context;
  const { listed, head } = pinned;
  const { name: trail, origin } = listed;
  const tiles = new ServedTiles(context.client, trail, head.size);
  const known = remembered?.get(origin);
  const recorded = source.kind === "stated" ? source.facts.heads : [];
  const marks = [
    ...pinned.rotations,
    ...[...recorded, ...(known === undefined ? [] : [known])].map(({ size }) => size),
  ];
  const collector = new ServedCollector(context, { trail, size: head.size, tiles, marks });
  await collector.run();
  noteDenied(context, pinned, collector);
  const stated = factsOf(source, collector);
  checkDescription(context, pinned, stated);
  const keys = stated === undefined ? keysFromServer(pinned) : keysFromStatements(stated, pinned);
  const trust = judgeTrust(context, keys.facts, source.kind === "stated" && source.trust === "given");
  const signed = openServedHead(context, pinned, keys.signing);
  const rotations = await openServedRotations(context, pinned, keys, signed?.isBefore === true);
  const resolution = await resolve(context, pinned, { collector, tiles, signed });
  const isRight = resolution?.kind === "signed" && signed !== undefined;
  await compareHeads(context, pinned, { collector, keys, rotations, isRight });
  const wrong = (resolution?.entries ?? []).reduce((sum, { first, end }) => sum + end - first, 0);
  const anchor = anchorOf(known);
  const root = toBase64(head.root);
  report.trail({ trail, origin, size: head.size, root, anchor }, isRight ? Math.max(0, collector.found - wrong) : 0);
  const isKnown = isRight && (trust !== "none" || context.trusted === undefined);
  return { collector, trust, anchor, head: isKnown ? remember(keys, signed) : undefined };
}

function factsOf(source: TrailSource, { statements }: ServedCollector): TrailFacts | undefined {
  if (source.kind === "own") return source.fold(statements);
  return source.kind === "stated" ? source.facts : undefined;
}

function remember({ facts }: ServedKeys, signed: SignedHead): ServedTrailOutcome["head"] {
  const { signing, ...head } = headToRemember(facts, signed);
  const isSaid = signed.isProven && !signed.isBefore && signing !== undefined;
  return { origin: facts.origin, remembered: isSaid ? { ...head, signing } : head };
}

function noteDenied({ report }: ServedContext, { listed, head }: PinnedTrail, { denied }: ServedCollector): void {
  if (denied === 0) return;
  const which = denied === head.size ? `its ${denied} entries` : `${denied} of its ${head.size} entries`;
  report.unchecked(
    `${listed.name}: ${which}, which this key may not read (it takes an auditor's); its hash tiles were`,
  );
}

/** The server's list has no say, but where it differs from verified statements something is wrong. */
function checkDescription({ report }: ServedContext, { listed }: PinnedTrail, stated: TrailFacts | undefined): void {
  if (stated === undefined) return;
  const { name: trail, origin, genesis } = listed;
  const file = logPaths(trail).info;
  const add = (detail: string): void => report.add({ trail, index: null, kind: "edited", file, detail });
  if (stated.origin !== origin) add(`the server says that its origin is ${origin}, evident says ${stated.origin}`);
  if (stated.generations[0]?.keys.join() !== genesis.join()) {
    add("the server names other first keys of it than evident does");
  }
}

async function resolve(
  { report }: ServedContext,
  { listed, head }: PinnedTrail,
  {
    collector,
    tiles,
    signed,
  }: { readonly collector: ServedCollector; readonly tiles: ServedTiles; readonly signed: SignedHead | undefined },
): Promise<Resolution | undefined> {
  const { name: trail } = listed;
  const { size } = head;
  if (collector.isCutOff) {
    report.unchecked(`${trail}: its hash tiles, since the server does not give most of them`);
    return undefined;
  }
  await tiles.readUpper();
  const { bundles, lastLeaves, tileFaults, root: entriesRoot } = collector;
  const found = await resolveTree({
    size,
    signedRoot: signed?.root,
    entriesRoot,
    bundles,
    lastLeaves,
    tileFaults,
    readTile: (tile) => tiles.read(tile),
  });
  const resolution = nameServedFaults(found, collector, size);
  const paths = logPaths(trail);
  const fileOf = (index: number): string => {
    const n = Math.floor(index / TILE_WIDTH);
    return paths.bundle(n, Math.min(TILE_WIDTH, size - n * TILE_WIDTH));
  };
  reportResolution(resolution, { trail, report, treeSize: size, file: (name) => paths.object(name), fileOf });
  return resolution;
}

async function compareHeads(
  { report, remembered }: ServedContext,
  { listed, head }: PinnedTrail,
  found: {
    readonly collector: ServedCollector;
    readonly keys: ServedKeys;
    readonly rotations: readonly OpenedRotation[];
    readonly isRight: boolean;
  },
): Promise<void> {
  const { collector, keys, rotations, isRight } = found;
  const { name: trail } = listed;
  const file = logPaths(trail).checkpoint;
  const heads: HeadToCheck[] = [
    ...keys.facts.heads.map(({ size, root, index }) => {
      return { size, root: statedHash(root), by: `the head in entry ${index} of evident`, file };
    }),
    ...rotations.map((rotation) => ({ ...rotation.head, by: "the rotation note", file: rotation.file })),
    ...rememberedHead(remembered, listed.origin, file),
  ];
  // Only when the entries give the signed root are the roots that they give on the way those of the signed tree.
  const isSame = isRight && collector.root !== undefined && equalBytes(collector.root, head.root);
  const roots = isSame ? { roots: collector.marks.roots } : {};
  await checkHeads({ trail, size: head.size, root: head.root, readTile: undefined, ...roots }, heads, report);
}
