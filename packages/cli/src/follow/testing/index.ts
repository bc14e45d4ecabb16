export { lineOf, packFile, rotateLog, writeLines } from "./log-files.ts";
export { readStored } from "./read-stored.ts";
export { type FollowerRun, type FollowerRunOptions, runFollower } from "./run-follower.ts";
