export { openSyslog } from "./open-syslog.ts";
