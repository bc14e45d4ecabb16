export { applyEntry, type FoldSource, FoldStore } from "./fold-store.ts";
export { LedgerFolds } from "./ledger-folds.ts";
export { type LedgerState, ledgerFold, type TrailState } from "./ledger-state.ts";
