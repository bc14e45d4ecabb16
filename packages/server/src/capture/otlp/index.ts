export { type OtlpEncoding, readLogRequest } from "./read-log-request.ts";
export { writeLogResponse, writeStatus } from "./write-answer.ts";
