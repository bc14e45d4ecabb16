export { openLedger } from "./open-ledger.ts";
export { type FileSystem, nodeFileSystem, type OpenFile, openFileStorage } from "./storage/index.ts";
export type * from "./types.ts";
