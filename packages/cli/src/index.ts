export { type DemoEvent, type DemoOptions, makeDemoEvents, makeDemoLines, writeDemoFile } from "./demo/index.ts";
