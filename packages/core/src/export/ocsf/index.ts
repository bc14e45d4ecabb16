export { formatOcsfEvent } from "./format-ocsf-event.ts";
