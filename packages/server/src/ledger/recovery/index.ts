export { copyWal } from "./copy-wal.ts";
export { type OldWal, partReader, type ReadPart, readWal, type WalPart } from "./read-wal.ts";
export { recoverTrail, sealedFiles } from "./recover-trail.ts";
