export { type Follower, follow, type TailEvent } from "./follow.ts";
export { openMemorySearch } from "./memory-search.ts";
export { openRawClient, type RawClient } from "./raw-client.ts";
export { readEntries } from "./read-entries.ts";
export { JSON_TYPE, NDJSON, readLines, type Sending, send } from "./send.ts";
export { type StartOptions, startApi, type TestApi } from "./start-api.ts";
