import type { Hash } from "@evident/core";
import type { CheckpointSigner } from "../keys/index.ts";
import type { PublishedHead, TrailInfo } from "../types.ts";
import type { TrailTree } from "./trail-tree.ts";
import type { WalIndex } from "./wal-index.ts";

/** A sealed file of a trail. `end` is exclusive. */
export interface SealedFile {
  readonly first: number;
  readonly end: number;
  readonly name: string;
}

/** Everything the ledger keeps in memory about one trail. */
export interface Trail {
  readonly name: string;
  /** Position in creation order; the identity store names trails by it. */
  readonly number: number;
  readonly tenant: string;
  readonly origin: string;
  readonly created: string;
  readonly genesis: readonly string[];
  generation: number;
  signer: CheckpointSigner;
  readonly tree: TrailTree;
  /** Entries that are durable, and the root over them. */
  durable: { size: number; root: Hash };
  published: PublishedHead;
  /** Partial tile objects of the published size. */
  partials: readonly string[];
  segments: SealedFile[];
  tail: SealedFile | undefined;
  readonly wal: WalIndex;
  readonly rotations: number[];
}

/** End of the whole segments. */
export function segmentsEnd(trail: Trail): number {
  return trail.segments.at(-1)?.end ?? 0;
}

/** Entries before this index need no WAL. */
export function sealedEnd(trail: Trail): number {
  return Math.max(segmentsEnd(trail), trail.tail?.end ?? 0);
}

export const SYSTEM_TRAILS = ["evident", "evident-reads"] as const;

export function isSystemTrail(name: string): boolean {
  return name === "evident" || name === "evident-reads";
}

export function describeTrail(trail: Trail): TrailInfo {
  return {
    name: trail.name,
    tenant: trail.tenant,
    system: isSystemTrail(trail.name),
    origin: trail.origin,
    genesis: trail.genesis,
    keys: trail.signer.keys,
    created: trail.created,
    size: trail.durable.size,
    publishedSize: trail.published.size,
    sealedSize: sealedEnd(trail),
  };
}
