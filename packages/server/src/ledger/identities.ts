import type { Committer } from "./commit/index.ts";
import type { IdentityStore } from "./identity/index.ts";
import { type EntryReader, isSystemTrail, type Trail } from "./trail/index.ts";
import type { LedgerOptions } from "./types.ts";

const FLUSH_ENTRIES = 200_000;

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
