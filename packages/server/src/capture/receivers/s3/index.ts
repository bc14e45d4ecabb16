export { objectFold } from "./object-state.ts";
export { type ObjectLedger, openPrefix } from "./open-prefix.ts";
