import type { NativeRecord } from "../../adapt/index.ts";

/** One message of a server log, whatever its format. Members are the text of the log; absent where it has none. */
export interface LogEntry {
  readonly record: NativeRecord;
  readonly format: "stderr" | "csvlog" | "jsonlog";
  /** `2026-11-25 09:30:00.123 UTC`, or seconds since 1970. */
  readonly time?: string | undefined;
  readonly user?: string | undefined;
  readonly database?: string | undefined;
  readonly pid?: string | undefined;
  /** Address or name of the client; `[local]` for a Unix socket. */
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly application?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly lineNumber?: string | undefined;
  /** What the process shows in its title: a command tag, `idle`, `authentication`. */
  readonly commandTag?: string | undefined;
  readonly sessionStart?: string | undefined;
  readonly virtualXid?: string | undefined;
  readonly xid?: string | undefined;
  readonly backendType?: string | undefined;
  readonly leaderPid?: string | undefined;
  readonly queryId?: string | undefined;
  readonly sqlState?: string | undefined;
  readonly severity: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly context?: string | undefined;
  readonly statement?: string | undefined;
  /** Whether `log_line_prefix` was guessed. */
  readonly isPrefixAssumed?: boolean | undefined;
  /** Whether user and database could be parted elsewhere. */
  readonly isNameAssumed?: boolean | undefined;
}

/** Levels of messages, as a server with English messages writes them. */
export const severities: ReadonlySet<string> = new Set([
  "DEBUG",
  "DEBUG1",
  "DEBUG2",
  "DEBUG3",
  "DEBUG4",
  "DEBUG5",
  "LOG",
  "INFO",
  "NOTICE",
  "WARNING",
  "ERROR",
  "FATAL",
  "PANIC",
]);

export function isFailure(entry: LogEntry): boolean {
  return entry.severity === "ERROR" || entry.severity === "FATAL" || entry.severity === "PANIC";
}

const NO_VALUES: ReadonlySet<string> = new Set(["", "[unknown]"]);

/** What the server writes before it knows a name is no name. */
export function known(text: string | undefined): string | undefined {
  return text === undefined || NO_VALUES.has(text) ? undefined : text;
}

/** Tells sessions apart: the session id, else the process id, which may come again. */
export function sessionKey(entry: LogEntry): string | undefined {
  return entry.sessionId ?? entry.pid;
}

const SQLSTATE = /^(?:[0-9F][0-9A-Z]|HV|P0|XX)[0-9A-Z]{3}$/;

/** `log_error_verbosity = verbose` puts the SQLSTATE before the message. */
export function splitSqlState(message: string): { readonly sqlState?: string; readonly message: string } {
  const code = message.slice(0, 5);
  if (message.startsWith(": ", 5) && SQLSTATE.test(code)) return { sqlState: code, message: message.slice(7) };
  return { message };
}
