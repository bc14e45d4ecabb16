import { randomBytes } from "node:crypto";
import { emptyRoot } from "@evident/core";
import { type KeyFiles, makeCheckpointSigner } from "./keys/index.ts";
import { type Trail, TrailTree, WalIndex } from "./trail/index.ts";
import type { Statement } from "./types.ts";

/** A new trail's origin, opaque because names leak activity. */
export function newOrigin(host: string): string {
  return `${host}/${randomBytes(8).toString("hex")}`;
}

/** A new, empty trail with its first generation of keys. */
export function makeTrail(
  keys: KeyFiles,
  options: {
    readonly name: string;
    readonly tenant: string;
    readonly number: number;
    readonly originHost: string;
    readonly created: string;
  },
): Trail {
  const key = keys.checkpointKey(options.name, 1, newOrigin(options.originHost));
  const signer = makeCheckpointSigner(key);
  return {
    name: options.name,
    number: options.number,
    tenant: options.tenant,
    origin: key.origin,
    created: options.created,
    genesis: signer.keys,
    generation: 1,
    signer,
    rotating: undefined,
    tree: new TrailTree(),
    durable: { size: 0, root: emptyRoot },
    published: { trail: options.name, size: 0, root: emptyRoot, note: new Uint8Array() },
    publishedGeneration: 0,
    partials: [],
    segments: [],
    tail: undefined,
    wal: new WalIndex(),
    rotations: [],
  };
}

/** The statement that makes a trail known; verifiers take the keys from it. */
export function trailCreated(trail: Trail, by: string): Statement {
  return {
    type: "trail.created",
    trail: trail.name,
    origin: trail.origin,
    tenant: trail.tenant,
    keys: trail.genesis,
    by,
  };
}
