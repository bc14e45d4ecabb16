import type { Ledger } from "../../ledger/index.ts";
import type { Verdict } from "./verdict.ts";

const WAIT_MS = 30_000;
const AT_ONCE = 32;

/**
 * Waits for the checkpoints that cover the entries of these verdicts and adds their receipts. When none comes in 30 s the verdicts stay
 * without: the entries are durable all the same, and `GET /v1/events/:id/proof` has the receipt later.
 */
export async function addReceipts(ledger: Ledger, verdicts: readonly Verdict[]): Promise<void> {
  const sizes = new Map<string, number>();
  for (const { trail, index } of verdicts) sizes.set(trail, Math.max(sizes.get(trail) ?? 0, index + 1));
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    for (const [trail, size] of sizes) await ledger.waitPublished(trail, size, signal);
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
  for (let from = 0; from < verdicts.length; from += AT_ONCE) {
    await Promise.all(
      verdicts.slice(from, from + AT_ONCE).map(async (verdict) => {
        verdict.receipt = await ledger.receipt(verdict.trail, verdict.index);
      }),
    );
  }
}
