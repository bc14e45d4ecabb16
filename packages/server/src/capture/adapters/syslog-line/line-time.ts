import type { NativeEvent } from "../../adapt/index.ts";
import type { SyslogClock } from "./syslog-clock.ts";
import type { SyslogLine } from "./syslog-line.ts";

/** When a line was written, and what had to be assumed; undefined for a time that cannot be read. */
export function timeOfLine(
  line: SyslogLine,
  clock: SyslogClock,
  nowMs: number,
): { readonly time: NativeEvent["time"]; readonly warnings: readonly string[] } | undefined {
  if (line.timestamp === undefined) {
    const received = new Date(nowMs).toISOString();
    const occurred = `${received.slice(0, 23)}000000Z`;
    return { time: { occurred, precision: "ms", basis: "received" }, warnings: ["time:received"] };
  }
  const found = clock.read(line.timestamp);
  if (found === undefined) return undefined;
  // RFC 5424 §7.1.1: the sender does not know its own zone.
  const isUnsure = line.sd?.["timeQuality"]?.["tzKnown"] === "0";
  const tz = isUnsure ? "assumed" : found.tz;
  const warnings = isUnsure ? [...found.warnings, "tz:assumed"] : found.warnings;
  return { time: { ...found.time, basis: "event", tz }, warnings };
}
