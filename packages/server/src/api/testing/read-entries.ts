import { type Entry, fromUtf8 } from "@evident/core";
import type { LedgerReader } from "../../ledger/index.ts";

/** Every durable entry of a trail, parsed. */
export async function readEntries(ledger: LedgerReader, trail: string): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const { entries } of ledger.entries(trail, 0, ledger.trail(trail)?.size ?? 0))
    for (const entry of entries) found.push(JSON.parse(fromUtf8(entry)) as Entry);
  return found;
}
