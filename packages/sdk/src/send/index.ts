export { backoffMs } from "./backoff.ts";
export { type Reason, retryAfterMs, type SendFailure, sendLines, type Target, type Verdict } from "./send-lines.ts";
