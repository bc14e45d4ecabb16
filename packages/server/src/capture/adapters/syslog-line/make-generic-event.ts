import type { Op } from "@evident/core";
import { type Made, made, type NativeEvent, skipped, unreadable } from "../../adapt/index.ts";
import { timeOfLine } from "./line-time.ts";
import { nativeLine } from "./native-line.ts";
import type { SyslogClock } from "./syslog-clock.ts";
import type { SyslogLine } from "./syslog-line.ts";

/** Facilities that are for accesses: auth, authpriv, log audit, log alert. */
const SECURITY: ReadonlySet<number> = new Set([4, 10, 13, 14]);
const MAX_READ = 16_384;
const PAIR = /(?:^|[\s,;|])([A-Za-z][\w.-]{0,63})=("(?:[^"\\]|\\.){0,1024}"|[^\s,;|"]{1,1024})/g;
const USER_KEYS = ["user", "usr", "username", "user_name", "suser", "src_user", "srcuser", "login", "account"] as const;
const ADDRESS_KEYS = [
  "src",
  "srcip",
  "src_ip",
  "source_ip",
  "sourceip",
  "client",
  "client_ip",
  "remip",
  "rhost",
  "saddr",
  "ip",
  "from",
] as const;
const VERDICT_KEYS = ["action", "act", "outcome", "result", "status"] as const;
const USER_TEXT = /\b(?:user|username|account)(?:\s|[:=]\s?)["'[(]?([\w.@\\$-]{1,128})["'\])]?/i;
const V4 = /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])/;
const V6 =
  /(?<![\w:.])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,7}(?![\w:.])|(?<![\w:.])(?:[0-9a-f]{1,4}:){1,6}:[0-9a-f]{1,4}(?![\w:.])/i;

const DENIED =
  /\b(?:den(?:y|ied)|refused?|reject(?:ed)?|block(?:ed)?|drop(?:ped)?|forbidden|not allowed|unauthori[sz]ed|invalid (?:user|password|login))\b/i;
const FAILED = /\b(?:fail(?:ed|ure)?|error|timed? ?out)\b/i;
const SUCCEEDED =
  /\b(?:accept(?:ed)?|allow(?:ed)?|permit(?:ted)?|pass(?:ed)?|success(?:ful|fully)?|succeeded|granted|logged (?:in|out|on|off))\b/i;
const LOGOUT = /\b(?:log(?:ged)?[ -]?(?:out|off)|session (?:closed|ended|terminated)|disconnected)\b/i;
const LOGIN = /\b(?:log(?:ged)?[ -]?(?:in|on)|authenticat\w{1,8}|auth|session (?:opened|started))\b/i;

/** Which lines that no reader knows are kept. */
export type Other = "auto" | "all" | "none";

function textsOf(line: SyslogLine): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const parameters of Object.values(line.sd ?? {})) {
    for (const [name, value] of Object.entries(parameters)) found.set(name.toLowerCase(), value);
  }
  for (const [, name = "", value = ""] of line.message.slice(0, MAX_READ).matchAll(PAIR)) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value);
  }
  return found;
}

function firstOf(texts: ReadonlyMap<string, string>, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = texts.get(key);
    if (value !== undefined && value !== "" && value !== "-") return value;
  }
  return undefined;
}

function addressIn(text: string): string | undefined {
  return V4.exec(text)?.[0] ?? V6.exec(text)?.[0];
}

function statusOf(text: string): NativeEvent["outcome"]["status"] | undefined {
  if (DENIED.test(text)) return "denied";
  if (FAILED.test(text)) return "failure";
  return SUCCEEDED.test(text) ? "success" : undefined;
}

function opOf(text: string): Op | undefined {
  if (LOGOUT.test(text)) return "LOGOUT";
  return LOGIN.test(text) ? "AUTH" : undefined;
}

/**
 * Makes an event of a line whose form is not known, from what can be read in it without knowing: named values, an address, a user. It
 * says of everything else that it was assumed. `auto` keeps the lines that name a person or an address or were sent to a facility for
 * security: a device's accesses do not vanish, its housekeeping does.
 */
export function makeGenericEvent(
  line: SyslogLine,
  other: Other,
  {
    clock,
    nowMs,
    host: givenHost,
  }: { readonly clock: SyslogClock; readonly nowMs: () => number; readonly host: string | undefined },
): Made {
  const message = line.message.slice(0, MAX_READ);
  const texts = textsOf(line);
  const user = firstOf(texts, USER_KEYS) ?? USER_TEXT.exec(message)?.[1];
  const ip = addressIn(firstOf(texts, ADDRESS_KEYS) ?? "") ?? addressIn(message);
  const isSecurity = SECURITY.has(line.facility ?? -1);
  if (other === "none" || (other === "auto" && user === undefined && ip === undefined && !isSecurity)) {
    return skipped("message that names no person and no address");
  }
  const when = timeOfLine(line, clock, nowMs());
  if (when === undefined) return unreadable("timestamp", "is no time of syslog", "Send the line as syslog wrote it.");
  const host = line.host ?? givenHost;
  const system = host ?? "unknown host";
  const verdict = firstOf(texts, VERDICT_KEYS);
  const status = statusOf(verdict ?? "") ?? statusOf(message);
  const op = opOf(message);
  const warnings = [...when.warnings, op === undefined ? "op:default" : "op:text", "resource:default"];
  if (status !== undefined) warnings.push("outcome:text");
  if (user !== undefined || ip !== undefined) warnings.push("actor:text");
  if (user === undefined) warnings.push("actor:default");
  if (host === undefined) warnings.push("system:default");
  return made({
    time: when.time,
    actor:
      user === undefined
        ? { type: "unknown", id: ip ?? "unknown", ns: ip === undefined ? `os:${system}` : "ip" }
        : { type: "user", id: user, ns: `os:${system}` },
    action: { op: op ?? "OTHER", name: line.msgid ?? line.app ?? "syslog message", kind: "other" },
    resources: [{ type: "os.service", id: line.app ?? system, scope: host === undefined ? undefined : [host] }],
    outcome: { status: status ?? "unknown" },
    source: { ip, ipTrust: ip === undefined ? undefined : "client" },
    origin: { system, warnings },
    native: nativeLine(line),
  });
}
