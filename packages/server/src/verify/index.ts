export type * from "./types.ts";
export { verifyDirectory } from "./verify-directory.ts";
