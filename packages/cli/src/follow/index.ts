export { absolutePattern } from "./find-files.ts";
export { FollowReport } from "./follow-report.ts";
export { FollowState } from "./follow-state.ts";
export { type FileProgress, Follower } from "./follower.ts";
export type { Wrapping } from "./unwrap.ts";
