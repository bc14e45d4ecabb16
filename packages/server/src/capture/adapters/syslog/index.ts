export { syslog } from "./syslog.ts";
