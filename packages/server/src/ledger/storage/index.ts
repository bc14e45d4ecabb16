export { Directories } from "./directories.ts";
export { type FileSystem, nodeFileSystem, type OpenFile, type PathKind } from "./file-system.ts";
export { openFileStorage } from "./open-file-storage.ts";
export { isDiskFull, systemCode, toStorageError } from "./storage-errors.ts";
export type { ObjectStore, Storage, Wal } from "./types.ts";
export { isSpareFileName, isWalFileName } from "./wal-file-name.ts";
export { readFully, withFile, writeFully } from "./whole-file.ts";
