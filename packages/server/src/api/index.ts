export type { CheckedChunk, CheckedLine, MakeConflict } from "./ingest/index.ts";
export { ApiMetrics } from "./metrics/index.ts";
export { type Api, type ApiOptions, openApi } from "./open-api.ts";
export type { ApiStages, BodyOptions, Producer } from "./routes/index.ts";
