export { type BodyPace, IncomingBody } from "./incoming-body.ts";
export { IngestAnswer } from "./ingest-answer.ts";
export { type IngestStep, ingestBody } from "./ingest-body.ts";
export { IngestGate } from "./ingest-gate.ts";
export type { BodyShape, CheckedChunk, CheckedLine, MakeConflict } from "./stages.ts";
export { Summary, type Verdict, verdictText } from "./verdict.ts";
