import { isFailure, type LogEntry } from "./log-entry.ts";
import { AUDIT, type AuditRow, readAudit } from "./read-audit.ts";

/** What a message of the server says. */
export type Message =
  | { readonly kind: "audit"; readonly row: AuditRow }
  | { readonly kind: "statement"; readonly sql: string; readonly durationMs?: string; readonly isPrepared: boolean }
  /** How long the statement before took: it has succeeded. */
  | { readonly kind: "duration"; readonly durationMs: string }
  | { readonly kind: "failure" }
  | { readonly kind: "received"; readonly host: string; readonly port?: string }
  | { readonly kind: "authenticated"; readonly identity?: string; readonly method: string }
  | { readonly kind: "authorized"; readonly name: string; readonly parts: ConnectionParts }
  | { readonly kind: "disconnected"; readonly sessionTime: string; readonly parts: ConnectionParts }
  | { readonly kind: "replication"; readonly command: string }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "forged" }
  | { readonly kind: "broken" }
  | { readonly kind: "other"; readonly why: string };

/** What `connection authorized` and `disconnection` say. */
export interface ConnectionParts {
  readonly user?: string;
  readonly database?: string;
  readonly application?: string;
  readonly host?: string;
  readonly port?: string;
  readonly tls?: string;
}

function other(why: string): Message {
  return { kind: "other", why };
}

/** Reads the message. Only LOG and the like can be more than a failure or a notice; `AUDIT:` has the level that pgaudit was told. */
export function classify(entry: LogEntry): Message {
  const { message, severity } = entry;
  if (isFailure(entry)) return { kind: "failure" };
  const found = message.startsWith(AUDIT) ? readAuditMessage(message) : readLog(message, severity);
  // What the server says by itself has no context: this was raised by a function, in words of its own choice.
  const isRaised = entry.context !== undefined && found.kind !== "other";
  return isRaised ? { kind: "forged" } : found;
}

function readAuditMessage(message: string): Message {
  const row = readAudit(message);
  return row === undefined ? { kind: "broken" } : { kind: "audit", row };
}

function readLog(message: string, severity: string): Message {
  if (severity !== "LOG") return other("notices and warnings");
  const colon = message.search(/[: ]/);
  switch (message.slice(0, colon)) {
    case "statement":
      return { kind: "statement", sql: message.slice("statement: ".length), isPrepared: false };
    case "execute":
      return readExecute(message);
    case "duration":
      return readDuration(message);
    case "connection":
    case "replication":
    case "disconnection":
      return readConnection(message);
    case "received":
      return readReplication(message);
    case "fastpath":
      return readFastpath(message);
    default:
      return other("messages about the server itself");
  }
}

/** `execute name: SQL`, `execute name/portal: SQL`, `execute fetch from name/portal: SQL`. */
function readExecute(message: string, durationMs?: string): Message {
  const found = /^execute (?:fetch from )?.{1,200}?: /s.exec(message);
  if (found === null) return other("messages about the server itself");
  const time = durationMs === undefined ? {} : { durationMs };
  return { kind: "statement", sql: message.slice(found[0].length), isPrepared: true, ...time };
}

function readDuration(message: string): Message {
  const found = /^duration: (\d{1,15}\.\d{1,6}) ms(?:  (statement|parse|bind|execute|plan|fastpath)\b)?/.exec(message);
  if (found === null) return other("messages about the server itself");
  const [whole, durationMs = "", phase] = found;
  switch (phase) {
    case undefined:
      return { kind: "duration", durationMs };
    case "statement":
      return { kind: "statement", sql: message.slice(whole.length + ": ".length), durationMs, isPrepared: false };
    case "execute":
      return readExecute(message.slice(whole.length - "execute".length), durationMs);
    default:
      // Parsing, binding and plans; a fast-path call has its own line before.
      return phase === "fastpath" ? { kind: "duration", durationMs } : other("durations of parsing, binding and plans");
  }
}

function readConnection(message: string): Message {
  const received = /^connection received: host=(\S{1,255})(?: port=(\d{1,5}))?$/.exec(message);
  if (received !== null) {
    const [, host = "", port] = received;
    return { kind: "received", host, ...(port === undefined ? {} : { port }) };
  }
  const authenticated = /^connection authenticated: (?:identity|user)="([^]{0,1000})" method=([\w-]{1,50})/.exec(
    message,
  );
  if (authenticated !== null) {
    const [, identity = "", method = ""] = authenticated;
    return { kind: "authenticated", method, ...(identity === "" ? {} : { identity }) };
  }
  const authorized = /^((?:replication )?connection authorized): /.exec(message);
  if (authorized !== null) {
    const [whole, name = ""] = authorized;
    return { kind: "authorized", name, parts: readParts(message.slice(whole.length)) };
  }
  const ended = /^disconnection: session time: (\d{1,9}:\d\d:\d\d\.\d{3}) /.exec(message);
  if (ended === null) return other("messages about connections");
  return { kind: "disconnected", sessionTime: ended[1] ?? "", parts: readParts(message.slice(ended[0].length)) };
}

/**
 * `user=a database=b application_name=c SSL enabled (...) host=h port=p`. Names stand there as they are: only where none of them can be
 * taken for the next member is each read; the entry's own fields count first anyway.
 */
function readParts(text: string): ConnectionParts {
  const found =
    /^user=(.*?)(?: database=(.*?))?(?: application_name=(.*?))?(?: (?:SSL|GSS) (?:enabled )?\((.*?)\))?(?: host=(\S+?))?(?: port=(\d{1,5}))?$/s.exec(
      text.slice(0, 2_000),
    );
  const [, user, database, application, tls, host, port] = found ?? [];
  const parts = { user, database, application, tls, host, port };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined && value !== ""));
}

function readReplication(message: string): Message {
  const prefix = "received replication command: ";
  if (!message.startsWith(prefix)) return other("messages about the server itself");
  const command = /^[A-Za-z_]{1,40}/.exec(message.slice(prefix.length))?.[0];
  return command === undefined
    ? other("messages about the server itself")
    : { kind: "replication", command: command.toUpperCase() };
}

function readFastpath(message: string): Message {
  const found = /^fastpath function call: "(.{1,200}?)" \(OID \d+\)/.exec(message);
  return found === null ? other("messages about the server itself") : { kind: "function", name: found[1] ?? "" };
}

/** The entry with what its words say where the log has no field for it. */
export function withParts(entry: LogEntry, { user, database, application, host, port }: ConnectionParts): LogEntry {
  return {
    ...entry,
    user: entry.user ?? user,
    database: entry.database ?? database,
    application: entry.application ?? application,
    host: entry.host ?? host,
    port: entry.host === undefined ? port : entry.port,
  };
}
