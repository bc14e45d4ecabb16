export { EvidentError } from "./evident-error.ts";
export { nearestName } from "./nearest-name.ts";
export { type ErrorCode, type ErrorKind, errors } from "./table.ts";
