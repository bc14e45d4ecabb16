export type { Check } from "./check.ts";
export { checkFiles } from "./check-files.ts";
export { checkServer } from "./check-server.ts";
