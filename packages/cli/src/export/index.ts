export type { EntrySink, SinkResult } from "./entry-sink.ts";
export { type ExportAsk, fetchEntries } from "./fetch-entries.ts";
export { ParquetSink } from "./parquet-sink.ts";
export { PartialFile } from "./partial-file.ts";
export { TextSink } from "./text-sink.ts";
