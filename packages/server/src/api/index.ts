export { LedgerSink, receiverEvents } from "./ingest/index.ts";
export { ApiMetrics } from "./metrics/index.ts";
export { type Api, type ApiOptions, openApi } from "./open-api.ts";
