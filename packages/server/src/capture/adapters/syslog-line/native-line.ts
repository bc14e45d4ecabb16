import { isSecretName, MASK, maskText } from "../../adapt/index.ts";
import type { SyslogLine } from "./syslog-line.ts";

/** A line's fields without secrets, as rules for syslog find them. */
export function nativeLine({ sd, message, ...line }: SyslogLine): Record<string, unknown> {
  const { version: _version, ...head } = line;
  const native: Record<string, unknown> = { ...head, message: maskText(message) };
  if (sd !== undefined) {
    native["sd"] = Object.fromEntries(
      Object.entries(sd).map(([id, parameters]) => [
        id,
        Object.fromEntries(
          Object.entries(parameters).map(([name, value]) => [name, isSecretName(name) ? MASK : maskText(value)]),
        ),
      ]),
    );
  }
  return native;
}
