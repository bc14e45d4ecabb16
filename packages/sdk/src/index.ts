export {
  type ActionFacts,
  type ActionInput,
  type DefinedAction,
  defineAction,
  type ObjectOf,
  type StandardSchema,
  t,
} from "./catalogue/index.ts";
export {
  createEvident,
  type Evident,
  type EvidentOptions,
  type Flushed,
  type QuarantinedEvent,
  type SendCounts,
  type Stats,
} from "./client/index.ts";
export { diffFields } from "./digest/index.ts";
export { type Problem, SdkError } from "./errors/index.ts";
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
  OpenAccess,
  Outcome,
  Recorded,
  Recorder,
  Refusal,
  Resource,
  Source,
  Trace,
} from "./event/index.ts";
export type { Reason } from "./send/index.ts";
