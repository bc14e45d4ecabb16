export { type BundleFetch, BundleReads } from "./bundle-reads.ts";
export { type Act, type Caller, ReadLog } from "./read-log.ts";
