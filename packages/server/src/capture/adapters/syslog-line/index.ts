export { timeOfLine } from "./line-time.ts";
export { makeGenericEvent, type Other } from "./make-generic-event.ts";
export { nativeLine } from "./native-line.ts";
export { clockOptions, SyslogClock } from "./syslog-clock.ts";
export { isSyslog, parseSyslogLine, type SyslogLine } from "./syslog-line.ts";
