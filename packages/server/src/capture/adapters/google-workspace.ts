import {
  defineJsonAdapter,
  isObject,
  type JsonObject,
  listAt,
  type Made,
  type NativeEvent,
  noOptions,
  objectAt,
  readLooseTime,
  textAt,
  unreadable,
} from "../adapt/index.ts";
import { isWorkspacePayload, readGcpEntry } from "./gcp-entry.ts";
import { readWorkspaceActivity, readWorkspaceEntry } from "./google-workspace-entry.ts";

type Actor = NativeEvent["actor"];

const NS = "google";

function actorOf(activity: JsonObject, warnings: string[]): Actor {
  const actor = objectAt(activity, "actor");
  const email = textAt(actor, "email");
  const key = textAt(actor, "key");
  const application = textAt(actor, "applicationInfo", "oauthClientId");
  const callerType = textAt(actor, "callerType");
  if (callerType === "KEY" && key !== undefined) {
    return { type: key === "SYSTEM" ? "system" : "service", id: key, ns: NS };
  }
  const id = textAt(actor, "profileId") ?? email;
  if (id !== undefined) {
    const credential = application === undefined ? undefined : { kind: "oauth_client", id: application };
    return { type: "user", id, ns: NS, email, credential };
  }
  if (application !== undefined) return { type: "service", id: application, ns: NS };
  // Warnings about an account name it, but nobody acted.
  warnings.push("actor:default");
  return { type: "unknown", id: "unknown", ns: NS };
}

/** Activities of the Reports API; some tools give each event its own record, with its parameters as an object. */
function readActivity(value: JsonObject): Made | readonly Made[] {
  const fix = "Send the activities as the Reports API gives them.";
  const time = readLooseTime(textAt(value, "id", "time"));
  const application = textAt(value, "id", "applicationName");
  if (application === undefined) return unreadable("id.applicationName", "is missing", fix);
  if (time === undefined) {
    return unreadable("id.time", textAt(value, "id", "time") === undefined ? "is missing" : "is no time", fix);
  }
  const isSplit = typeof value["name"] === "string";
  const events = isSplit ? [value] : listAt(value, "events").filter(isObject);
  if (events.length === 0) return unreadable("events", "is missing", fix);
  const warnings: string[] = time.tz === "assumed" ? ["tz:assumed"] : [];
  const customer = textAt(value, "id", "customerId");
  if (customer === undefined) warnings.push("system:default");
  const qualifier = textAt(value, "id", "uniqueQualifier");
  const parts = [
    customer,
    application,
    textAt(value, "id", "time"),
    qualifier,
    isSplit ? textAt(value, "name") : undefined,
  ];
  return readWorkspaceActivity({
    time,
    actor: actorOf(value, warnings),
    application,
    customer,
    ip: textAt(value, "ipAddress"),
    nativeId: qualifier === undefined ? undefined : parts.filter((part) => part !== undefined).join(" "),
    events,
    warnings,
    native: value,
  });
}

/** Activities of Google Workspace: developers.google.com/admin-sdk/reports, and their form as log entries of Cloud Logging. */
export const googleWorkspace = defineJsonAdapter({
  name: "google-workspace",
  title: "Google Workspace activities: Admin SDK Reports API, or log entries of Cloud Logging",
  wrappers: ["items"],
  options: noOptions,
  recognises(value) {
    if (value["kind"] === "admin#reports#activity") return true;
    const isActivity =
      textAt(value, "id", "applicationName") !== undefined && (Array.isArray(value["events"]) || "name" in value);
    return isActivity || isWorkspacePayload(readGcpEntry(value).payload);
  },
  prepare: () => (value) => {
    const entry = readGcpEntry(value);
    return isWorkspacePayload(entry.payload) ? readWorkspaceEntry(entry) : readActivity(value);
  },
});
