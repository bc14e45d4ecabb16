export { openLedger } from "./open-ledger.ts";
export type * from "./types.ts";
