export type {
  AccessEvent,
  Action,
  ActionKind,
  Actor,
  ActorRef,
  ActorType,
  EventDraft,
  Geo,
  Impact,
  Op,
  Outcome,
  Resource,
  Source,
  Trace,
} from "./access-event.ts";
export { makeLine, type Numbered, type Stamp, storedTime } from "./make-line.ts";
export { makeOpenAccess } from "./open-access.ts";
export type { OpenAccess, Recorded, Recorder, Refusal } from "./recorder.ts";
export { uuidV7 } from "./uuid-v7.ts";
