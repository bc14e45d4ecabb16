export {
  type Adapter,
  AdaptStream,
  AUTO,
  adapterOptions,
  adapters,
  type BodyLine,
  findAdapters,
  firstKey,
  frameInput,
  isBlankRecord,
  type LineRange,
  listAdapterOptions,
  mappingJsonSchema,
  type Reading,
  RecordBytes,
  type ResumePoint,
  recognise,
  toLine,
  toSubmission,
} from "./capture/index.ts";
export {
  type Config,
  type ConfigSources,
  configFlags,
  loadConfig,
  renderCommentedConfig,
  renderConfigDocs,
} from "./config/index.ts";
export * from "./ledger/index.ts";
export { openServer, type Server, type ServerOptions } from "./open-server.ts";
export { type ReindexOptions, reindex } from "./reindex.ts";
export type * from "./search/index.ts";
export { openSearch } from "./search/index.ts";
export * from "./verify/index.ts";
