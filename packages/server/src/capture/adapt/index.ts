export { AdaptStream, type AdaptStreamOptions, type Reading } from "./adapt-stream.ts";
export {
  type AdaptContext,
  type Adapted,
  type Adapter,
  type AdapterSession,
  defineJsonAdapter,
  defineLineAdapter,
  defineSessionAdapter,
  type Framing,
  type Made,
  made,
  noOptions,
  skipped,
  unreadable,
} from "./adapter.ts";
export { canonicalNames } from "./canonical-names.ts";
export { countryCode } from "./country-code.ts";
export { frameInput } from "./frame-input.ts";
export type { LineRange, ResumePoint } from "./in-flight.ts";
export { field, isObject, type JsonObject, listAt, objectAt, textAt, textsAt, toText } from "./json-fields.ts";
export { lookUp } from "./look-up.ts";
export { type LooseTime, readLooseTime } from "./loose-time.ts";
export { isSecretName, MASK, maskMembers, maskText, maskUrl } from "./mask-secrets.ts";
export type { Loose, NativeEvent } from "./native-event.ts";
export { firstKey, NativeRecord, nextKey } from "./native-record.ts";
export { fromWallClock, isZone, type NativeTime, readEpoch, readTime, type WallClock } from "./native-time.ts";
export {
  type AdapterOption,
  adapterOptions,
  listAdapterOptions,
  parseAdapterOptions,
} from "./parse-adapter-options.ts";
export { recognise } from "./recognise.ts";
export { type Address, splitAddress } from "./split-address.ts";
export { type Submission, toSubmission } from "./submission.ts";
