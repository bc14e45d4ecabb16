import { Type } from "typebox";
import { type AdaptContext, defineLineAdapter, type Made, NativeRecord, unreadable } from "../../adapt/index.ts";
import { isAuthMessage, readAuthLine } from "../auth/index.ts";
import {
  clockOptions,
  isSyslog,
  makeGenericEvent,
  type Other,
  parseSyslogLine,
  SyslogClock,
  type SyslogLine,
} from "../syslog-line/index.ts";
import { openSettings, readUsualLine, type WebSettings, webFormOf, webOptions } from "../web/index.ts";
import { readHaproxy } from "./read-haproxy.ts";

/** What the lines of one input are read with. */
interface SyslogSettings {
  readonly clock: SyslogClock;
  readonly nowMs: () => number;
  readonly host: string | undefined;
  readonly other: Other;
  readonly web: WebSettings;
}

function readLine(line: SyslogLine, record: NativeRecord, settings: SyslogSettings): Made | readonly Made[] {
  const { app, message } = line;
  if (isAuthMessage(app, message)) return readAuthLine(line, settings);
  const web = { ...settings.web, site: settings.web.site ?? line.host ?? settings.host };
  const balanced = app === undefined || app.startsWith("haproxy") ? readHaproxy(message, web) : undefined;
  if (balanced !== undefined) return withHead(balanced, line);
  const inner = new NativeRecord(record.line, message, record.key, record.lines);
  if (webFormOf(inner) !== undefined) return withHead(readUsualLine(inner, web), line);
  return makeGenericEvent(line, settings.other, settings);
}

/** Adds what the head says to the record that it carried. */
function withHead(read: Made, { host, app, procid, timestamp }: SyslogLine): Made {
  if (read.kind !== "event" || typeof read.event.native !== "object") return read;
  const syslog = Object.fromEntries(
    Object.entries({ host, app, procid, timestamp }).filter(([, value]) => value !== undefined),
  );
  return { kind: "event", event: { ...read.event, native: { ...read.event.native, syslog } } };
}

/** Syslog of RFC 5424 and RFC 3164, as it is written in files and sent by devices. */
export const syslog = defineLineAdapter({
  name: "syslog",
  title: "Syslog (RFC 5424, RFC 3164): logins, web accesses, and what names a person or an address",
  options: Type.Object(
    {
      host: Type.Optional(
        Type.String({ description: "The machine, where lines do not name it.", minLength: 1, maxLength: 256 }),
      ),
      other: Type.Enum(["auto", "all", "none"], {
        description:
          "Which lines of unknown form become events: auto those that name a person or an address or were sent to a facility for security, all, or none.",
        default: "auto",
      }),
      ...webOptions,
      ...clockOptions,
    },
    { additionalProperties: false },
  ),
  recognises(record) {
    if (!isSyslog(record.text)) return false;
    const line = parseSyslogLine(record.text);
    return line !== undefined && !isAuthMessage(line.app, line.message);
  },
  prepare({ host, other, until, ...options }, { nowMs }: AdaptContext) {
    const { timezone } = options;
    const times = { ...(timezone === undefined ? {} : { timezone }), ...(until === undefined ? {} : { until }) };
    const settings = { clock: new SyslogClock(times, nowMs), nowMs, host, other, web: openSettings(options) };
    return (record) => {
      const line = parseSyslogLine(record.text);
      if (line !== undefined) return readLine(line, record, settings);
      return unreadable("", "is no line of syslog", "Send RFC 5424 or RFC 3164, one message a line.");
    };
  },
});
