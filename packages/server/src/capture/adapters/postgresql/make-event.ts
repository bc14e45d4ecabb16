import type { Op } from "@evident/core";
import type { NativeEvent } from "../../adapt/index.ts";
import { maskSql, type SqlFact, type SqlObject } from "../../sql/index.ts";
import type { LogEntry } from "./log-entry.ts";
import type { LogTime } from "./log-time.ts";
import { guessSqlState, maskReason } from "./mask-message.ts";

/** What is the same for all events of one input. */
export interface EventContext {
  readonly cluster: string;
  readonly nowMs: () => number;
  readonly readTime: (text: string) => LogTime;
}

/** What the session has said before. */
export interface Known {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  /** From SET ROLE. */
  readonly actingAs?: string | undefined;
}

type Outcome = NativeEvent["outcome"];
type Resource = NativeEvent["resources"][number];

/** The parts that a message's kind decides. */
export interface Act {
  readonly action: NativeEvent["action"];
  readonly resources: NativeEvent["resources"];
  readonly outcome: Outcome;
  readonly impact?: NativeEvent["impact"];
  readonly trace?: NativeEvent["trace"];
  readonly detail?: NativeEvent["detail"];
  readonly warnings?: readonly string[];
  /** The message with its statement left out. */
  readonly head: string;
  readonly sql?: string | undefined;
}

const MAX_STATEMENT = 8_192;
/** Stands in pgaudit's rows for a password and what follows it. */
const REDACTED = /<REDACTED>$/;
const IP = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f.]*:[0-9a-f:.]*)$/i;

/** The event of a message. The entry's time must be readable. */
export function makeEvent(entry: LogEntry, known: Known, act: Act, context: EventContext): NativeEvent {
  const warnings = [...(act.warnings ?? [])];
  if (entry.isPrefixAssumed === true) warnings.push("prefix:assumed");
  if (entry.isNameAssumed === true) warnings.push("actor:assumed");
  const statement = act.sql === undefined ? undefined : maskSql(act.sql.replace(REDACTED, "''")).text;
  const isCut = statement !== undefined && statement.length > MAX_STATEMENT;
  const { sessionId, lineNumber } = entry;
  return {
    time: eventTime(entry, context, warnings),
    actor: eventActor(entry, known, context, warnings),
    action: act.action,
    resources: act.resources,
    outcome: act.outcome,
    source: eventSource(entry, known),
    impact: act.impact,
    trace: act.trace,
    origin: {
      system: context.cluster,
      nativeId: sessionId === undefined || lineNumber === undefined ? undefined : `${sessionId}/${lineNumber}`,
      nativeVersion: entry.format,
      warnings,
    },
    detail: {
      ...(statement === undefined || statement === "" ? {} : { statement: cut(statement) }),
      ...(isCut ? { statementCut: true } : {}),
      ...(entry.queryId === undefined || entry.queryId === "0" ? {} : { queryId: entry.queryId }),
      ...act.detail,
    },
    native: nativeOf(entry, act, statement),
  };
}

function cut(text: string): string {
  return text.length > MAX_STATEMENT ? text.slice(0, MAX_STATEMENT).toWellFormed() : text;
}

function eventTime(entry: LogEntry, { nowMs, readTime }: EventContext, warnings: string[]): NativeEvent["time"] {
  const read = entry.time === undefined ? undefined : readTime(entry.time);
  if (read?.ok === true) {
    if (read.tz === "assumed") warnings.push("tz:assumed");
    return { ...read.time, basis: "event", tz: read.tz };
  }
  warnings.push("time:received");
  const now = new Date(nowMs()).toISOString();
  return { occurred: `${now.slice(0, -1)}000000Z`, precision: "ms", basis: "received" };
}

function eventActor(entry: LogEntry, known: Known, context: EventContext, warnings: string[]): NativeEvent["actor"] {
  const ns = `pg:${context.cluster}`;
  const started = entry.sessionStart === undefined ? undefined : context.readTime(entry.sessionStart);
  const session = { id: entry.sessionId, created: started?.ok === true ? started.time.occurred : undefined };
  if (entry.user === undefined) {
    warnings.push("actor:default");
    return { type: "unknown", id: entry.host ?? known.host ?? "unknown", ns, session };
  }
  const { actingAs } = known;
  return {
    type: "user",
    id: entry.user,
    ns,
    session,
    actingAs: actingAs === undefined || actingAs === entry.user ? undefined : { type: "role", id: actingAs, ns },
  };
}

function eventSource(entry: LogEntry, known: Known): NativeEvent["source"] {
  const host = entry.host ?? known.host;
  const port = Number(entry.host === undefined ? known.port : entry.port);
  const isIp = host !== undefined && IP.test(host);
  return {
    ip: isIp ? host : undefined,
    port: isIp && port > 0 ? port : undefined,
    ipTrust: isIp ? "peer" : undefined,
    // A name when log_hostname is on, `[local]` for the Unix socket.
    host: isIp ? undefined : host,
    userAgent: entry.application,
  };
}

/** The message under the names of jsonlog, whatever the format. */
function nativeOf(entry: LogEntry, { head, sql }: Act, statement: string | undefined): Record<string, string> {
  const fields = {
    timestamp: entry.time,
    user: entry.user,
    dbname: entry.database,
    pid: entry.pid,
    remote_host: entry.host,
    remote_port: entry.port,
    session_id: entry.sessionId,
    line_num: entry.lineNumber,
    ps: entry.commandTag,
    session_start: entry.sessionStart,
    vxid: entry.virtualXid,
    txid: entry.xid,
    error_severity: entry.severity,
    state_code: entry.sqlState,
    message: cut(sql === undefined ? head : `${head}${statement ?? ""}`),
    statement: entry.statement === undefined ? undefined : cut(maskSql(entry.statement).text),
    application_name: entry.application,
    backend_type: entry.backendType,
    leader_pid: entry.leaderPid,
    query_id: entry.queryId,
  };
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined),
  );
}

/** Objects of the whole cluster rather than of one database. */
const clusterWide: ReadonlySet<string> = new Set(["role", "database", "tablespace"]);

export function toResource({ type, id, role }: SqlObject, entry: LogEntry, cluster: string): Resource {
  const { database } = entry;
  const scope = database === undefined || clusterWide.has(type) ? [cluster] : [cluster, database];
  return { type: `pg.${type}`, id, scope, role: role === "related" ? "related" : undefined };
}

/** The database, or the cluster where the log does not name one. */
export function databaseOf(entry: LogEntry, cluster: string): Resource {
  if (entry.database === undefined) return { type: "pg.cluster", id: cluster };
  return { type: "pg.database", id: entry.database, scope: [cluster] };
}

/** Objects as resources. Without any the statement touched nothing but its database. */
export function toResources(objects: readonly SqlObject[], entry: LogEntry, cluster: string): readonly Resource[] {
  if (objects.length === 0) return [databaseOf(entry, cluster)];
  return objects.map((object) => toResource(object, entry, cluster));
}

/** Objects that lie in a schema, and may be written without it. */
const inSchema: ReadonlySet<string> = new Set([
  "relation",
  "table",
  "view",
  "materialized-view",
  "sequence",
  "index",
  "function",
  "procedure",
  "type",
  "domain",
]);

export function unqualified(objects: readonly SqlObject[]): readonly string[] {
  const isOpen = objects.some(({ type, id }) => inSchema.has(type) && !/^(?:[^".]+|"(?:[^"]|"")*")\./.test(id));
  return isOpen ? ["resource:unqualified"] : [];
}

/** What a statement did, from what its text says. `undefined`: its text could not be read. */
export function statementAct(
  fact: SqlFact | undefined,
  entry: LogEntry,
  outcome: Outcome,
  cluster: string,
): Omit<Act, "head"> {
  if (fact === undefined) {
    const action = { op: "UNKNOWN" as Op, name: "statement", kind: "datastore" as const };
    return { action, resources: [databaseOf(entry, cluster)], outcome, warnings: ["op:default", "resource:default"] };
  }
  const { op, name, kind, objects, fields = [] } = fact;
  return {
    action: { op, name, kind },
    resources: toResources(objects, entry, cluster),
    outcome,
    impact: { fields },
    warnings: unqualified(objects),
  };
}

/** The outcome that a failure states. */
export function failureOutcome(entry: LogEntry): Outcome {
  const { sqlState, message } = entry;
  const state = sqlState ?? guessSqlState(message) ?? "";
  const isDenied = state === "42501" || state.startsWith("28");
  const masked = entry.statement === undefined ? undefined : maskSql(entry.statement).text;
  return { status: isDenied ? "denied" : "failure", code: sqlState, reason: maskReason(entry, masked) };
}
