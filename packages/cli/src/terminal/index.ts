export { formatBytes, formatCount, formatDuration, formatPlural } from "./format-quantity.ts";
export { escapeJson, Output, type OutputStream } from "./output.ts";
export { plainText } from "./plain-text.ts";
export { ProgressBar } from "./progress-bar.ts";
export { renderTable } from "./render-table.ts";
