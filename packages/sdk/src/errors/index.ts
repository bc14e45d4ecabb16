export type { Problem } from "./problem.ts";
export { SdkError } from "./sdk-error.ts";
