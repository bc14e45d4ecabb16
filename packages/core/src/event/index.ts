export { canonicalEvent } from "./canonical-event.ts";
export { type CheckedEvent, checkEvent } from "./check-event.ts";
export type { BlobReference, Entry, QuarantineBody, QuarantineWhy } from "./entry.ts";
export {
  type AccessEvent,
  AccessEventSchema,
  type ActorRef,
  eventJsonSchema,
  type Op,
  operations,
} from "./event-schema.ts";
export { type ParsedJson, parseJson } from "./parse-json.ts";
export { excerpt, type Problem } from "./problem.ts";
export { type ParsedTime, parseTime, timeMs } from "./time.ts";
