export { LineLedger } from "./line-ledger.ts";
export { commitLines, lineOf } from "./make-lines.ts";
export { naiveHits, naiveStats } from "./naive-search.ts";
export { addressOf, openIndexed } from "./open-indexed.ts";
