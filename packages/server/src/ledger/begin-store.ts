import type { LedgerParts } from "./running-ledger.ts";
import { makeTrail, trailCreated } from "./trail-maker.ts";

/** The first entries of a store: the store, the trail `evident` itself, the keys that sign WAL records and statements. */
export async function beginStore(parts: LedgerParts): Promise<void> {
  const { keys, trails, clock, originHost, appendStatement, walSigner, statementSigner } = parts;
  const evident = makeTrail(keys, { name: "evident", tenant: "*", number: 0, originHost, created: clock.now() });
  trails.set("evident", evident);
  // Sequenced in one turn, so they share one record: a store has all of them or none.
  await Promise.all([
    appendStatement({ type: "store.created", store: evident.origin.split("/").at(-1) ?? "" }),
    appendStatement(trailCreated(evident, "evident")),
    appendStatement({ type: "signing_key.created", use: "wal", key: walSigner.key }),
    appendStatement({ type: "signing_key.created", use: "statement", key: statementSigner.key }),
  ]);
}
