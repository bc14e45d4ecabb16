export { LineLedger } from "./line-ledger.ts";
export { type NaiveHit, naiveHits, naiveStats } from "./naive-search.ts";
