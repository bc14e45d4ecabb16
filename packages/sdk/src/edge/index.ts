export { defineAction, t } from "../catalogue/index.ts";
export { diffFields } from "../digest/index.ts";
export { SdkError } from "../errors/index.ts";
export type { AccessEvent, EventDraft, Recorded, Recorder } from "../event/index.ts";
export { createEdgeEvident, type EdgeEvident, type EdgeOptions } from "./edge-evident.ts";
