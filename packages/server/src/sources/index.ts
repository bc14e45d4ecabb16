export { type Gap, missingNumbers, type Sequence } from "./sequence.ts";
export { SourceBook, type SourceBookOptions, UNKNOWN_SOURCE } from "./source-book.ts";
export { type FailureSample, type RecentNumbers, recentNumbers, type SourceState } from "./source-state.ts";
