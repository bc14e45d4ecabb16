import { createHash } from "node:crypto";
import type { IdentityStore } from "./types.ts";

/** Makes the identity of a test's number. */
export type MakeIdentity = (id: number) => Uint8Array;

/** A well spread identity, as HMAC gives them. */
export function makeIdentity(id: number, sent = 0): Uint8Array {
  const identity = new Uint8Array(24);
  identity.set(createHash("sha256").update(String(id)).digest().subarray(0, 16));
  new DataView(identity.buffer).setUint32(16, sent);
  return identity;
}

/** An identity whose key shares much with others: equal homes, equal page prefixes, neighbours. */
export function makeCrowdedIdentity(id: number): Uint8Array {
  const identity = new Uint8Array(24);
  const words = new Uint32Array(identity.buffer, 0, 4);
  words[0] = (id % 3) * 0x7fffffff;
  words[1] = (id % 5) * 0x1000;
  words[3] = id;
  return identity;
}

function trailOf(id: number): number {
  return id % 9;
}

/** Adds numbers `[from, to)`, each with itself as index. */
export function addAll(store: IdentityStore, make: MakeIdentity, from: number, to: number): void {
  for (let id = from; id < to; id += 1) store.add(make(id), trailOf(id), id);
}

/** Numbers of `[from, to)` that the store does not know as `addAll` added them. */
export function findLost(store: IdentityStore, make: MakeIdentity, from: number, to: number): number[] {
  const lost: number[] = [];
  for (let id = from; id < to; id += 1) {
    const found = store.find(make(id));
    if (found?.index !== id || found.trail !== trailOf(id) || !found.same) lost.push(id);
  }
  return lost;
}

/** Numbers of `[from, to)` that the store claims to know. */
export function findKnown(store: IdentityStore, make: MakeIdentity, from: number, to: number): number[] {
  const known: number[] = [];
  for (let id = from; id < to; id += 1) if (store.find(make(id)) !== undefined) known.push(id);
  return known;
}
