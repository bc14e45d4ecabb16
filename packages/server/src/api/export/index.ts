export { type ExportEndKind, type ExportOutcome, ExportStream } from "./export-stream.ts";
export { ExportReceipts } from "./receipts.ts";
export { formatSnapshot, parsePlace, parseSnapshot, type Snapshot } from "./snapshot.ts";
