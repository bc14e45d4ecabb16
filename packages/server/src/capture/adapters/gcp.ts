import { Type } from "typebox";
import { defineJsonAdapter, type JsonObject, type Made, objectAt, skipped, textAt } from "../adapt/index.ts";
import { readGcpAudit } from "./gcp-audit.ts";
import { isWorkspacePayload, readGcpEntry } from "./gcp-entry.ts";
import { fromAppEngine, readGcpRequest } from "./gcp-http.ts";
import { isTransparency, readGcpTransparency } from "./gcp-transparency.ts";
import { readWorkspaceEntry } from "./google-workspace-entry.ts";

const AUDIT_LOG = "google.cloud.audit.AuditLog";
const REQUEST_LOG = "google.appengine.logging.v1.RequestLog";

function isAudit(payload: JsonObject | undefined): payload is JsonObject {
  if (payload === undefined) return false;
  const type = textAt(payload, "@type") ?? textAt(payload, "at_sign_type") ?? "";
  if (type !== "") return type.endsWith(AUDIT_LOG);
  return ["methodName", "authenticationInfo", "authorizationInfo"].some((name) => Object.hasOwn(payload, name));
}

function readRecord(value: JsonObject, project: string | undefined): Made | readonly Made[] {
  const found = readGcpEntry(value);
  if (isWorkspacePayload(found.payload)) return readWorkspaceEntry(found);
  if (isAudit(found.payload)) return readGcpAudit(found, project);
  if (isTransparency(found)) return readGcpTransparency(found, project);
  if (objectAt(found.entry, "httpRequest") !== undefined) return readGcpRequest(found, project);
  if (found.payload !== undefined && textAt(found.payload, "@type")?.endsWith(REQUEST_LOG) === true) {
    const entry = { ...found.entry, httpRequest: fromAppEngine(found.payload) };
    return readGcpRequest({ ...found, entry }, project);
  }
  return skipped("log entry without an access");
}

/** Cloud Audit Logs and request logs: cloud.google.com/logging/docs, LogEntry and google.cloud.audit.AuditLog. */
export const gcp = defineJsonAdapter({
  name: "gcp",
  title: "Google Cloud log entries: Cloud Audit Logs and HTTP requests, plain, from Pub/Sub or BigQuery",
  wrappers: ["entries", "receivedMessages"],
  options: Type.Object(
    {
      project: Type.Optional(
        Type.String({ description: "Project of entries that name none: the system that was accessed.", minLength: 1 }),
      ),
    },
    { additionalProperties: false },
  ),
  recognises(value) {
    const { entry, payload } = readGcpEntry(value);
    if (isWorkspacePayload(payload)) return false;
    const isEntry = typeof entry["logName"] === "string" || objectAt(entry, "resource", "labels") !== undefined;
    return isAudit(payload) || (isEntry && ("timestamp" in entry || "insertId" in entry));
  },
  prepare:
    ({ project }) =>
    (value) =>
      readRecord(value, project),
});
