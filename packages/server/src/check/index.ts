export type { CheckedLine, Conflict, Producer } from "./checked-line.ts";
export { Checker, type CheckerOptions } from "./checker.ts";
export { identityReader } from "./identity.ts";
export { type SealedBlob, Vault } from "./vault/index.ts";
