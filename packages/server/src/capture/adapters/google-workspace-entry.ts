import {
  isObject,
  type JsonObject,
  type LooseTime,
  listAt,
  type Made,
  made,
  maskMembers,
  type NativeEvent,
  objectAt,
  readLooseTime,
  splitAddress,
  textAt,
  toText,
  unreadable,
} from "../adapt/index.ts";
import { type GcpEntry, gcpContainer, gcpNativeId } from "./gcp-entry.ts";
import { workspaceOp } from "./google-workspace-ops.ts";
import { workspaceResources } from "./google-workspace-resources.ts";

/** What an activity says, in whatever form it came. */
export interface WorkspaceActivity {
  readonly time: LooseTime;
  readonly actor: NativeEvent["actor"];
  readonly application: string;
  /** Customer or organization, and its place in the scope of resources. */
  readonly customer: string | undefined;
  readonly ip: string | undefined;
  readonly nativeId: string | undefined;
  readonly events: readonly JsonObject[];
  readonly warnings: readonly string[];
  readonly native: JsonObject;
}

const VALUES = [
  "value",
  "boolValue",
  "intValue",
  "multiValue",
  "multiStrValue",
  "multiIntValue",
  "messageValue",
  "multiMessageValue",
];

/** Parameters as an object: a list of names and values in the API and in log entries, an object where somebody made it one. */
function parametersOf(event: JsonObject): JsonObject {
  const given = event["parameters"] ?? event["parameter"];
  if (isObject(given)) return given;
  const entries = (Array.isArray(given) ? (given as readonly unknown[]) : []).flatMap((item) => {
    const name = textAt(item, "name");
    if (name === undefined || !isObject(item)) return [];
    const value = VALUES.map((kind) => item[kind]).find((each) => each !== undefined);
    return [[name, isObject(value) && Array.isArray(value["parameter"]) ? parametersOf(value) : value] as const];
  });
  // Not by assignment: a name may be `__proto__`.
  return Object.fromEntries(entries);
}

function outcomeOf(name: string, parameters: JsonObject): NativeEvent["outcome"] {
  const reason =
    textAt(parameters, "login_failure_type") ??
    textAt(parameters, "failure_type") ??
    textAt(parameters, "login_challenge_status");
  const isRefused =
    /(?:^|_)(?:failure|blocked|DENY)(?:_|$)/.test(name) ||
    /fail|incorrect/i.test(textAt(parameters, "login_challenge_status") ?? "");
  if (isRefused) return { status: "denied", reason };
  if (name.endsWith("_FAILED")) return { status: "failure", reason };
  return { status: "success" };
}

function kindOf(application: string, op: string): NativeEvent["action"]["kind"] {
  if (op === "AUTH" || op === "LOGOUT") return "auth";
  if (op === "GRANT" || op === "REVOKE" || application === "user_accounts") return "iam";
  return application === "drive" ? "file" : "api";
}

/** The events of an activity: one activity may hold several. */
export function readWorkspaceActivity(activity: WorkspaceActivity): readonly Made[] {
  const { application, customer, actor } = activity;
  return activity.events.map((event) => {
    const name = textAt(event, "name") ?? textAt(event, "eventName");
    if (name === undefined) return unreadable("events.name", "is missing", "Send the activity as Google gave it.");
    const parameters = parametersOf(event);
    const warnings = [...activity.warnings];
    const op = workspaceOp(application, name, parameters);
    if (op === undefined) warnings.push("op:default");
    const scope = customer === undefined ? [] : [customer];
    const { resources, warning } = workspaceResources({
      application,
      name,
      parameters,
      actorEmail: actor.email ?? undefined,
      scope,
    });
    if (warning !== undefined) warnings.push(warning);
    const client = splitAddress(activity.ip);
    return made({
      time: { ...activity.time, basis: "event" },
      actor,
      action: { op: op ?? "OTHER", name: `${application}:${name}`, kind: kindOf(application, op ?? "OTHER") },
      resources,
      outcome: outcomeOf(name, parameters),
      source: {
        ip: client?.ip,
        port: client?.port,
        ipTrust: client === undefined ? undefined : "peer",
        userAgent: textAt(parameters, "user_agent"),
      },
      origin: { system: customer ?? "google-workspace", nativeId: activity.nativeId, warnings },
      native: maskMembers(activity.native),
    });
  });
}

/** Reads an activity that came as a log entry of Cloud Logging. */
export function readWorkspaceEntry({ native, entry, payload = {} }: GcpEntry): readonly Made[] {
  const time = readLooseTime(textAt(entry, "timestamp"));
  const fix = "Send the entry as Cloud Logging wrote it.";
  if (time === undefined) return [unreadable("timestamp", "is no time", fix)];
  const given = payload["metadata"];
  // One event comes as an object in some exports, as a list in log entries.
  const single = objectAt(given, "event");
  const events = single === undefined ? listAt(given, "event").filter(isObject) : [single];
  if (events.length === 0) return [unreadable("protoPayload.metadata.event", "is missing", fix)];
  const email = textAt(payload, "authenticationInfo", "principalEmail");
  const application = (toText(payload["serviceName"]) ?? "unknown").replace(/\.googleapis\.com$/, "");
  const organization = /^organizations\/[^/]+/.exec(textAt(payload, "resourceName") ?? "")?.[0];
  return readWorkspaceActivity({
    time,
    actor:
      email === undefined
        ? { type: "unknown", id: "unknown", ns: "google" }
        : { type: "user", id: email, ns: "google", email },
    application,
    customer: organization ?? gcpContainer(entry),
    ip: textAt(payload, "requestMetadata", "callerIp"),
    nativeId: gcpNativeId(entry),
    events,
    warnings: [...(email === undefined ? ["actor:default"] : []), ...(time.tz === "assumed" ? ["tz:assumed"] : [])],
    native,
  });
}
