import { join } from "node:path";
import { hmacSha256, toHex, utf8 } from "@evident/core";
import type { Committer } from "./commit/index.ts";
import { type IdentityStore, openIdentityStore } from "./identity/index.ts";
import { type EntryReader, isSystemTrail, type Trail } from "./trail/index.ts";
import type { LedgerOptions } from "./types.ts";

const FLUSH_ENTRIES = 200_000;

/**
 * Opens the index of identities. One that was made with another key, or that covers more of a trail than is stored, as after a restore
 * of older data, is discarded: it would answer `duplicate` for events that are not there.
 */
export function openIdentities(dataDir: string, trails: Iterable<Trail>, macKey: Uint8Array): Promise<IdentityStore> {
  return openIdentityStore(join(dataDir, "index", "identity"), {
    binding: toHex(hmacSha256(macKey, utf8("evident/identity-binding/v1")).subarray(0, 16)),
    trailSizes: Object.fromEntries([...trails].map(({ name, durable }) => [name, durable.size])),
  });
}

/** Puts the identities of entries that no run on disk covers back into memory. */
export async function refillIdentities(
  identity: IdentityStore,
  trails: Iterable<Trail>,
  reader: EntryReader,
  identityOf: (line: Uint8Array) => ReturnType<NonNullable<LedgerOptions["identityOf"]>>,
): Promise<void> {
  for (const trail of trails) {
    if (isSystemTrail(trail.name)) continue;
    for await (const { first, entries } of reader.range(
      trail,
      identity.coveredTo[trail.name] ?? 0,
      trail.durable.size,
    )) {
      for (const [i, line] of entries.entries()) {
        const id = identityOf(line);
        if (id !== undefined && identity.find(id) === undefined) identity.add(id, trail.number, first + i);
      }
      if (identity.unflushed < FLUSH_ENTRIES) continue;
      await identity.flush({ ...identity.coveredTo, [trail.name]: first + entries.length }, Promise.resolve());
    }
  }
}

/** Moves identities to disk when many are only in memory; they are frozen now and written once their entries are durable. */
export async function flushIdentities(
  identity: IdentityStore,
  committer: Committer,
  trails: Iterable<Trail>,
): Promise<void> {
  if (identity.unflushed < FLUSH_ENTRIES) return;
  await identity.flush(committer.sequencedSizes(trails), committer.flush());
}
