import { openSearch } from "../open-search.ts";
import type { Search, SearchOptions } from "../types.ts";
import type { LineLedger } from "./line-ledger.ts";

/** Opens an index of small segments and waits until it holds everything. */
export async function openIndexed(ledger: LineLedger, dir: string, more: Partial<SearchOptions> = {}): Promise<Search> {
  const search = await openSearch({ dir, ledger, segmentRows: 1_024, ...more });
  await search.waitIndexed(ledger.sizes(), AbortSignal.timeout(30_000));
  return search;
}

/** Address of a hit, for comparing. */
export function addressOf({ trail, index }: { readonly trail: string; readonly index: number }): string {
  return `${trail}:${index}`;
}
