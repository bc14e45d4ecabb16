import { Type } from "typebox";
import { type AdaptContext, defineLineAdapter, type Made, skipped, unreadable } from "../../adapt/index.ts";
import {
  clockOptions,
  isSyslog,
  makeGenericEvent,
  parseSyslogLine,
  SyslogClock,
  type SyslogLine,
} from "../syslog-line/index.ts";
import { type AuthSettings, makeAuthEvents } from "./make-auth-event.ts";
import { isAuthMessage } from "./read-auth-message.ts";

/** Reads a line that an authentication log may hold: what is not understood but names an address is kept as it is. */
export function readAuthLine(line: SyslogLine, settings: AuthSettings): Made | readonly Made[] {
  const events = makeAuthEvents(line, settings);
  if (events !== undefined) return events;
  const event = makeGenericEvent(line, "auto", settings);
  return event.kind === "skipped" ? skipped("other message of an authentication log") : event;
}

/** `/var/log/auth.log` and `/var/log/secure`: sshd, sudo, su, login, PAM, systemd-logind, polkit and the tools that keep accounts. */
export const authLog = defineLineAdapter({
  name: "auth-log",
  title: "auth.log and secure: sshd, sudo, su, login, PAM, accounts",
  options: Type.Object(
    {
      host: Type.Optional(
        Type.String({ description: "The machine, where lines do not name it.", minLength: 1, maxLength: 256 }),
      ),
      ...clockOptions,
    },
    { additionalProperties: false },
  ),
  recognises(record) {
    if (!isSyslog(record.text)) return false;
    const line = parseSyslogLine(record.text);
    return line !== undefined && isAuthMessage(line.app, line.message);
  },
  prepare({ host, ...clock }, { nowMs }: AdaptContext) {
    const settings = { clock: new SyslogClock(clock, nowMs), nowMs, host };
    return (record) => {
      const line = parseSyslogLine(record.text);
      if (line !== undefined) return readAuthLine(line, settings);
      return unreadable("", "is no line of syslog", "Send lines such as `Mar 27 13:06:56 host sshd[1291]: …`.");
    };
  },
});
