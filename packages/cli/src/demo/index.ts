export type { DemoEvent } from "./demo-event.ts";
export { type Incident, incidents } from "./incidents/index.ts";
export { LiveDemo } from "./live-demo.ts";
export { type DemoOptions, makeDemoEvents } from "./make-demo-events.ts";
export { makeDemoLines, writeDemoFile } from "./write-demo-file.ts";
