export { adaptBody } from "./adapted-body.ts";
export { type BodyFormat, bodyFormat } from "./body-format.ts";
export { type BodyPace, IncomingBody } from "./incoming-body.ts";
export { IngestAnswer } from "./ingest-answer.ts";
export { type CheckedChunk, type IngestStep, ingestBody } from "./ingest-body.ts";
export { IngestGate } from "./ingest-gate.ts";
export { OtlpBodies } from "./otlp-bodies.ts";
export { type Received, type ReceivedBody, receiveBody } from "./receive-body.ts";
export { Summary, type Verdict, verdictText } from "./verdict.ts";
