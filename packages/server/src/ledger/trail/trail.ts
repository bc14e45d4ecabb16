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

/** A change of keys: the generation before `next` signs the tree of `size` together with it. */
export interface StatedRotation {
  readonly size: number;
  readonly next: CheckpointSigner;
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
  /** Generation of `signer`'s keys, from 1. */
  generation: number;
  signer: CheckpointSigner;
  /** A rotation that `evident` states and whose note is not known to be durable: nothing else is signed before it. */
  rotating: StatedRotation | undefined;
  readonly tree: TrailTree;
  /** Entries that are durable, and the root over them. */
  durable: { size: number; root: Hash };
  published: PublishedHead;
  /** Generation of the keys that signed the newest checkpoint; 0 before the first one. */
  publishedGeneration: number;
  /** Partial tile objects that may be there: those of the published size, and what a publish that failed has left. */
  partials: readonly string[];
  segments: SealedFile[];
  tail: SealedFile | undefined;
  readonly wal: WalIndex;
  /** Sizes of the rotations that `evident` states, smallest first. */
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
