export { createEvident } from "./create-evident.ts";
export type { Evident, Flushed, Stats } from "./evident.ts";
export { keyedDigest } from "./keyed-digest.ts";
export type { EvidentOptions } from "./options.ts";
export type { QuarantinedEvent, SendCounts } from "./sender.ts";
