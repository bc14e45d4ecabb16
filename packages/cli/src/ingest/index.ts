export { type Counts, type Refusal, Tally } from "./counts.ts";
export { formatFlags, openFormat } from "./open-format.ts";
export { type Input, openInput } from "./open-input.ts";
export { sendInput } from "./send-input.ts";
export { type SendOptions, sendBatch } from "./send-lines.ts";
