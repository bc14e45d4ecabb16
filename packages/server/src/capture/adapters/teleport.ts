import type { Op } from "@evident/core";
import { Type } from "typebox";
import {
  defineJsonAdapter,
  field,
  type JsonObject,
  listAt,
  lookUp,
  MASK,
  type Made,
  made,
  maskMembers,
  maskText,
  maskUrl,
  type NativeEvent,
  objectAt,
  readLooseTime,
  skipped,
  splitAddress,
  textAt,
  textsAt,
  unreadable,
} from "../adapt/index.ts";
import { httpOp, kubeOp, statementOp, teleportOp } from "./teleport-ops.ts";
import { readTeleportResources } from "./teleport-resources.ts";

type Actor = NativeEvent["actor"];

/** Events about a terminal's picture and a recording's storage: nobody accesses anything. */
const noAccess: Readonly<Record<string, string>> = {
  print: "output of a terminal",
  resize: "size of a terminal",
  "session.upload": "storage of a recording",
  "app.session.chunk": "storage of a recording",
  "desktop.recording": "storage of a recording",
  "instance.heartbeat": "a sign of life",
};

/** Years before Teleport stand for "not set". */
function isSet(time: string | undefined): boolean {
  return time !== undefined && time > "1971";
}

function readActor(value: JsonObject, ns: string, warnings: string[]): Actor {
  const identity = objectAt(value, "identity");
  const user = textAt(value, "user") ?? textAt(identity, "user") ?? textAt(value, "author");
  const impersonator = textAt(value, "impersonator") ?? textAt(identity, "impersonator");
  const bot = textAt(value, "bot_name");
  const id = impersonator ?? user ?? bot;
  const method = textAt(value, "method");
  const common = {
    ns,
    email: id?.includes("@") === true && !/\s/.test(id) ? id : undefined,
    groups: textsAt(value, "user_roles"),
    session: {
      id: textAt(value, "sid") ?? textAt(value, "with_mfa"),
      mfa: objectAt(value, "mfa_device") === undefined && textAt(value, "with_mfa") === undefined ? undefined : true,
      issuer: method === "local" ? undefined : (textAt(value, "connector") ?? method),
    },
    actingAs: actingAs(value, id, user, ns),
  };
  if (id === undefined) {
    const server = textAt(value, "server_id") ?? textAt(value, "host_id");
    if (server !== undefined) return { type: "system", id: server, ...common };
    warnings.push("actor:default");
    return { type: "unknown", id: "unknown", ...common };
  }
  const isBot = String(field(value, "user_kind")) === "2" || bot !== undefined || id.startsWith("bot-");
  return { type: isBot ? "service" : "user", id, ...common };
}

/** The account that was used at the target: of the operating system, the database, the Kubernetes cluster, or the impersonated user. */
function actingAs(value: JsonObject, id: string | undefined, user: string | undefined, ns: string): Actor["actingAs"] {
  if (user !== undefined && id !== undefined && user !== id) return { type: "user", id: user, ns };
  const databaseUser = textAt(value, "db_user");
  const service = textAt(value, "db_service");
  if (databaseUser !== undefined) return { type: "user", id: databaseUser, ns: `db:${service ?? "unknown"}` };
  const [kubeUser] = textsAt(value, "kubernetes_users");
  const kube = textAt(value, "kubernetes_cluster");
  if (kubeUser !== undefined && kube !== undefined) return { type: "user", id: kubeUser, ns: `k8s:${kube}` };
  const login = textAt(value, "login") ?? textAt(value, "windows_user");
  const host = textAt(value, "server_id") ?? textAt(value, "desktop_name") ?? textAt(value, "windows_desktop_service");
  if (login === undefined || host === undefined || textAt(value, "proto") === "kube") return undefined;
  return { type: "user", id: login, ns: `host:${host}` };
}

function readOp(value: JsonObject, event: string, warnings: string[]): Op {
  const found = opOf(value, event, warnings);
  if (found === undefined) warnings.push("op:default");
  return found ?? "OTHER";
}

function opOf(value: JsonObject, event: string, warnings: string[]): Op | undefined {
  switch (event) {
    case "kube.request":
      return kubeOp(textAt(value, "verb") ?? textAt(value, "request_method"), textAt(value, "request_path") ?? "");
    case "app.session.request":
      return httpOp(textAt(value, "method"));
    case "scp":
    case "sftp":
      return transferOp(value);
    case "session.disk":
      // Flags of open(2): reading alone is 0.
      return (Number(textAt(value, "flags") ?? 0) & 3) === 0 ? "READ" : "WRITE";
    case "access_request.update":
    case "access_request.review":
      return requestOp(value);
    default:
      return event.startsWith("db.session.") ? databaseOp(value, event, warnings) : teleportOp(event);
  }
}

function databaseOp(value: JsonObject, event: string, warnings: string[]): Op {
  const known = teleportOp(event) ?? "EXECUTE";
  const statement = textAt(value, "db_query") ?? textAt(value, "query");
  const op = known === "EXECUTE" && statement !== undefined ? statementOp(statement) : undefined;
  if (op !== undefined) warnings.push("op:keyword");
  return op ?? known;
}

/** Numbers of SFTP events are those of Teleport's protocol buffers. */
const sftpActions: Readonly<Record<string, Op>> = {
  "1": "READ",
  "2": "OTHER",
  "3": "READ",
  "4": "WRITE",
  "6": "UPDATE",
  "8": "LIST",
  "9": "DELETE",
  "10": "CREATE",
  "11": "DELETE",
  "14": "UPDATE",
  "16": "CREATE",
};

function transferOp(value: JsonObject): Op | undefined {
  const action = textAt(value, "action");
  if (action === "upload") return "WRITE";
  return action === "download" ? "EXPORT" : lookUp(sftpActions, action);
}

function requestOp(value: JsonObject): Op {
  const state = (textAt(value, "proposed_state") ?? textAt(value, "state") ?? "").toUpperCase();
  if (state === "APPROVED") return "GRANT";
  return state === "DENIED" ? "REVOKE" : "UPDATE";
}

/** Denied is a refusal of Teleport's; a command that ended badly or a statement that was wrong is a failure. */
function readOutcome(value: JsonObject, event: string, code: string): NativeEvent["outcome"] {
  const reason =
    textAt(value, "error") ?? textAt(value, "exitError") ?? textAt(value, "message") ?? textAt(value, "reason");
  const http = textAt(value, "response_code") ?? textAt(value, "status_code");
  const exit = textAt(value, "exitCode") ?? textAt(value, "return_code");
  const status = Number(http ?? Number.NaN);
  if (status === 401 || status === 403) return { status: "denied", code: http, reason };
  if (status >= 100) return { status: status >= 400 ? "failure" : "success", code: http, reason };
  const success = field(value, "success") ?? field(value, "status", "success");
  const isFailure = success === false || /[WE]$/.test(code) || event.endsWith(".failed");
  if (isFailure && isRefusal(event, reason)) return { status: "denied", code, reason };
  if (isFailure || (exit !== undefined && exit !== "0")) return { status: "failure", code: exit ?? code, reason };
  if (success === true || code.endsWith("I")) return { status: "success", code: exit ?? code };
  return { status: "unknown", code: exit };
}

function isRefusal(event: string, reason: string | undefined): boolean {
  if (
    /^(?:auth|user\.login|session\.rejected|bot\.join|instance\.join|device\.authenticate|saml\.idp\.auth)$/.test(event)
  )
    return true;
  if (/(?:^|\.)session\.start$|^cert\.generation_mismatch$|^recovery_code\.used$|^port$/.test(event)) return true;
  return reason !== undefined && /denied|not allowed|not authorized|unauthorized|forbidden|locked/i.test(reason);
}

function kindOf(event: string, op: Op): NativeEvent["action"]["kind"] {
  if (event.startsWith("db.session.")) return "datastore";
  if (op === "AUTH" || op === "LOGOUT") return "auth";
  if (/^(?:scp|sftp|session\.disk|desktop\.directory\.)/.test(event)) return "file";
  if (/^(?:session\.|exec$|subsystem$|port$|x11|windows\.desktop)/.test(event)) return "process";
  if (event === "app.session.request") return "http";
  return /^(?:user|role|access_|lock|bot|mfa|saml|oidc|github|trusted_cluster|cert|recovery|reset_password|privilege)/.test(
    event,
  )
    ? "iam"
    : "api";
}

const SQL_SECRET =
  /\b((?:password|identified\s+by(?:\s+password)?|identified\s+with\s+\S{1,64}\s+by)\s+)(?:'(?:[^']|'')*'|"[^"]*")/gi;

/** The record without what was bound to statements, and without secrets in statements, commands and addresses. */
function maskNative(value: JsonObject): JsonObject {
  const masked: Record<string, unknown> = { ...maskMembers(value) };
  for (const name of ["db_query_parameters", "parameters", "db_query_params"]) {
    if (Array.isArray(masked[name])) masked[name] = masked[name].map(() => MASK);
  }
  const replace = (name: string, by: (text: string) => string): void => {
    const found = masked[name];
    if (typeof found === "string") masked[name] = by(found);
  };
  replace("db_query", (text) => text.replaceAll(SQL_SECRET, `$1'${MASK}'`));
  replace("query", (text) => text.replaceAll(SQL_SECRET, `$1'${MASK}'`));
  replace("raw_query", maskUrl);
  replace("command", maskText);
  if (Array.isArray(masked["argv"])) masked["argv"] = maskArguments(masked["argv"], textAt(value, "program") ?? "");
  return masked;
}

/** Arguments are masked as the command line that they were; where a secret was found they stay one text. */
function maskArguments(list: readonly unknown[], program: string): readonly unknown[] {
  const plain = `${program} ${list.map(String).join(" ")}`;
  const masked = maskText(plain);
  return masked === plain ? list : [masked.slice(program.length + 1)];
}

function readRecord(value: JsonObject, clusterOption: string): Made {
  const event = textAt(value, "event");
  if (event === undefined) return unreadable("event", "is missing", "Send audit events of Teleport whole.");
  const why = lookUp(noAccess, event);
  if (why !== undefined) return skipped(why);
  const time = readLooseTime(textAt(value, "time"));
  if (time === undefined) return unreadable("time", "is no RFC 3339 time", "Send audit events of Teleport whole.");
  const warnings: string[] = time.tz === undefined ? [] : ["tz:assumed"];
  const cluster = textAt(value, "cluster_name") ?? clusterOption;
  const op = readOp(value, event, warnings);
  const address = splitAddress(
    textAt(value, "addr.remote") ?? textAt(value, "client_ip") ?? textAt(value, "remote_ip"),
  );
  const stop = textAt(value, "session_stop");
  return made({
    time: { ...time, ended: isSet(stop) ? readLooseTime(stop)?.occurred : undefined, basis: "event" },
    actor: readActor(value, `teleport:${cluster}`, warnings),
    action: { op, name: event, kind: kindOf(event, op) },
    resources: readTeleportResources(value, event, cluster),
    outcome: readOutcome(value, event, textAt(value, "code") ?? ""),
    source: {
      ip: address?.ip,
      port: address?.port,
      ipTrust: address === undefined ? undefined : "peer",
      userAgent: textAt(value, "user_agent"),
    },
    impact: {
      rows: textAt(value, "affected_records")?.match(/^\d{1,20}$/)?.[0],
      bytesIn: textAt(value, "rx")?.match(/^\d{1,20}$/)?.[0],
      bytesOut: textAt(value, "tx")?.match(/^\d{1,20}$/)?.[0],
      fields: listAt(value, "updated_fields").filter((name) => typeof name === "string"),
    },
    trace: {
      correlationId: textAt(value, "sid") ?? textAt(value, "access_request_id"),
      requestId: textAt(value, "request_id"),
    },
    origin: {
      system: `teleport:${cluster}`,
      nativeId: textAt(value, "uid"),
      nativeVersion: textAt(value, "code"),
      warnings,
    },
    native: maskNative(value),
  });
}

/** Audit events of Teleport: its log files, the event handler's export, and what it sends to Fluentd. */
export const teleport = defineJsonAdapter({
  name: "teleport",
  title: "Teleport audit events (log file, event handler, Fluentd)",
  options: Type.Object(
    {
      cluster: Type.String({
        description:
          "Name of the cluster where events do not state it: namespace of its users and scope of its resources.",
        default: "teleport",
        minLength: 1,
        maxLength: 200,
      }),
    },
    { additionalProperties: false },
  ),
  recognises: ({ event, code, time, uid, ei }) =>
    typeof event === "string" &&
    typeof code === "string" &&
    /^[A-Z][A-Z0-9]{3,8}$/.test(code) &&
    typeof time === "string" &&
    (typeof uid === "string" || typeof ei === "number"),
  prepare:
    ({ cluster }) =>
    (value) =>
      readRecord(value, cluster),
});
