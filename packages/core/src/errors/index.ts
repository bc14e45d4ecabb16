export { EvidentError } from "./evident-error.ts";
export { type ErrorCode, type ErrorKind, errors } from "./table.ts";
