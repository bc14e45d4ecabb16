export type { Found } from "./adopt.ts";
export type { Batch, BatchLimits } from "./read-batch.ts";
export { Spool, type SpoolOptions } from "./spool.ts";
