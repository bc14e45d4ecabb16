export type { Problem } from "./problem.ts";
export { quarantineProblem } from "./quarantine-problem.ts";
export { SdkError } from "./sdk-error.ts";
