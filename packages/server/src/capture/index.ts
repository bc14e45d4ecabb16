export * from "./adapt/index.ts";
export { AUTO, adapters, findAdapters, mappingJsonSchema } from "./adapters/index.ts";
export type { BodyChunk, BodyLimits, BodyLine, BodyShape } from "./body-line.ts";
export { type BodyOptions, decodeBody, decodeBytes } from "./decode-body.ts";
export * from "./otlp/index.ts";
export * from "./receivers/index.ts";
export { isBlank as isBlankRecord, RecordBytes, toLine } from "./record-bytes.ts";
