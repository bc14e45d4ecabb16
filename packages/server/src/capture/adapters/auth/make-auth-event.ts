import { isIP } from "node:net";
import { type Made, made, type NativeEvent, skipped, unreadable } from "../../adapt/index.ts";
import { nativeLine, type SyslogClock, type SyslogLine, timeOfLine } from "../syslog-line/index.ts";
import { accountPrograms } from "./account-messages.ts";
import type { AuthFact } from "./auth-fact.ts";
import { programOf, readAuthMessage } from "./read-auth-message.ts";

const REPEATED = /^message repeated (\d{1,9}) times: \[ ?(.*?)\]?$/s;
/** A line that stands for more is refused: nothing that one line says may cost this much. */
const MAX_REPEATS = 1_000;
/** Programs that are used on the machine itself. */
const LOCAL: ReadonlySet<string> = new Set(["sudo", "su", "cron", "CRON", "crond", "polkitd", ...accountPrograms]);

/** What the events of one input are made with. */
export interface AuthSettings {
  readonly clock: SyslogClock;
  readonly nowMs: () => number;
  /** The machine where lines do not name it. */
  readonly host: string | undefined;
}

function readActor(fact: AuthFact, ns: string, ip: string | undefined): NativeEvent["actor"] {
  const acting = fact.actingAs === undefined ? undefined : { type: "user" as const, id: fact.actingAs, ns };
  const session = fact.session === undefined ? undefined : { id: fact.session };
  const rest = { actingAs: acting, session, credential: fact.credential };
  if (fact.user !== undefined) return { type: fact.userType ?? "user", id: fact.user, ns, ...rest };
  if (ip !== undefined)
    return { type: fact.isBeforeLogin === true ? "anonymous" : "unknown", id: ip, ns: "ip", ...rest };
  return { type: "unknown", id: "unknown", ns, ...rest };
}

function plainIp(ip: string | undefined): string | undefined {
  const plain = ip?.replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*$/, "");
  return plain !== undefined && isIP(plain) !== 0 ? plain : undefined;
}

function makeEvent(
  line: SyslogLine,
  fact: AuthFact,
  when: { readonly time: NativeEvent["time"]; readonly warnings: readonly string[] },
  host: string | undefined,
): NativeEvent {
  const system = host ?? "unknown host";
  const ip = plainIp(fact.ip);
  const program = programOf(line.app);
  const scope = host === undefined ? undefined : [host];
  const warnings = [...when.warnings, ...(fact.warnings ?? [])];
  if (fact.user === undefined && ip === undefined) warnings.push("actor:default");
  if (host === undefined) warnings.push("system:default");
  const target = fact.target ?? { type: "os.service", id: program };
  const affected = fact.affected === undefined ? [] : [{ ...fact.affected, scope, role: "affected" as const }];
  return {
    time: when.time,
    actor: readActor(fact, `os:${system}`, ip),
    action: { op: fact.op, name: fact.name, kind: fact.kind },
    resources: [{ ...target, scope }, ...affected],
    outcome: { status: fact.status, reason: fact.reason },
    source: {
      ip,
      ipTrust: ip === undefined ? undefined : "peer",
      port: fact.port === undefined ? undefined : Number(fact.port),
      host: ip === undefined ? (fact.ip ?? (LOCAL.has(program) ? host : undefined)) : undefined,
    },
    trace: line.procid === undefined ? undefined : { correlationId: `${system}/${program}[${line.procid}]` },
    origin: { system, warnings },
    detail: fact.detail,
    native: nativeLine(line),
  };
}

/** Makes the events of a line of an authentication log; undefined when nothing is known of its form. */
export function makeAuthEvents(line: SyslogLine, settings: AuthSettings): Made | readonly Made[] | undefined {
  const repeated = REPEATED.exec(line.message);
  const count = repeated === null ? 1 : Number(repeated[1]);
  const found = readAuthMessage(line.app, repeated === null ? line.message : (repeated[2] ?? ""));
  if (found === undefined) return undefined;
  if ("skipped" in found) return skipped(found.skipped);
  const when = timeOfLine(line, settings.clock, settings.nowMs());
  if (when === undefined) return unreadable("timestamp", "is no time of syslog", "Send the line as syslog wrote it.");
  const event = makeEvent(line, found, when, line.host ?? settings.host);
  if (repeated === null) return made(event);
  if (count > MAX_REPEATS || count === 0) {
    return unreadable("message", `stands for ${count} messages`, "Turn off $RepeatedMsgReduction in rsyslog.");
  }
  const warnings = [...(event.origin.warnings ?? []), "time:repeated"];
  return Array.from({ length: count }, (_each, index) =>
    made({
      ...event,
      origin: { ...event.origin, warnings },
      detail: { ...event.detail, repeat: String(index + 1), repeats: String(count) },
    }),
  );
}
