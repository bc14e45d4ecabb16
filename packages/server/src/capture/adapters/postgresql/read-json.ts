import { isObject, type Made, type NativeRecord, textAt, unreadable } from "../../adapt/index.ts";
import { known, type LogEntry } from "./log-entry.ts";

/** How a record of jsonlog begins. */
export function beginsAsJson(line: string): boolean {
  return line.startsWith('{"timestamp":"') && line.includes('"error_severity":"');
}

export function readJson(record: NativeRecord): LogEntry | Made {
  const parsed = record.json();
  if (!parsed.ok) return { kind: "unreadable", reasons: [parsed.problem] };
  const { value } = parsed;
  if (!isObject(value)) return unreadable("", "is no JSON object", "Send the lines of jsonlog.");
  const at = (name: string): string | undefined => known(textAt(value, name));
  return {
    record,
    format: "jsonlog",
    time: at("timestamp"),
    user: at("user"),
    database: at("dbname"),
    pid: at("pid"),
    host: at("remote_host"),
    port: at("remote_port"),
    sessionId: at("session_id"),
    lineNumber: at("line_num"),
    commandTag: at("ps"),
    sessionStart: at("session_start"),
    virtualXid: at("vxid"),
    xid: at("txid"),
    severity: at("error_severity") ?? "",
    sqlState: at("state_code"),
    message: at("message") ?? "",
    detail: at("detail"),
    hint: at("hint"),
    context: at("context"),
    statement: at("statement"),
    application: at("application_name"),
    backendType: at("backend_type"),
    leaderPid: at("leader_pid"),
    queryId: at("query_id"),
  };
}
