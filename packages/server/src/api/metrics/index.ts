export { ApiMetrics, indexLag } from "./api-metrics.ts";
