export { type Counts, type Refusal, Tally } from "./counts.ts";
export { type LineBatch, MAX_BYTES, MAX_LINES } from "./line-batches.ts";
export { type Format, formatFlags, openFormat } from "./open-format.ts";
export { type Input, openInput } from "./open-input.ts";
export { sendInput } from "./send-input.ts";
export { type SendOptions, sendBatch } from "./send-lines.ts";
