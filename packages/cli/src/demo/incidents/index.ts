export { incidents } from "./all.ts";
export type { Incident } from "./incident.ts";
