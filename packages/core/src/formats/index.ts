export { type EntryHead, type EntryLineKind, parseEntryHead } from "./entry-line.ts";
export {
  encodeSeekTable,
  joinLines,
  parseSeekTable,
  parseTrailPath,
  rotationPath,
  type SeekFrame,
  type SeekTable,
  segmentLimits,
  segmentPath,
  splitLines,
  tailPath,
} from "./segment.ts";
export {
  type ReadStatement,
  readStatement,
  type Statement,
  type StatementType,
  statementSchemas,
} from "./statement.ts";
export {
  decodeWalRecord,
  encodeWalRecord,
  findWalRecord,
  parseWalFileName,
  scanWal,
  type WalHeader,
  WalHeaderSchema,
  type WalItem,
  type WalRecord,
  type WalScan,
  walEntries,
  walFileName,
  walRecordEnd,
  walSizes,
} from "./wal-record.ts";
