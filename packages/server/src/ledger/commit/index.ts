export { Committer, type CommitterOptions } from "./committer.ts";
export { PendingEntries } from "./pending-entries.ts";
