import { parseJson } from "@evident/core";
import { canonicalNames, isObject, type JsonObject, objectAt, textAt } from "../adapt/index.ts";

const names = [
  "httpRequest",
  "insertId",
  "jsonPayload",
  "logName",
  "operation",
  "protoPayload",
  "receiveTimestamp",
  "resource",
  "severity",
  "spanId",
  "timestamp",
  "trace",
];

function parseObject(text: unknown): JsonObject | undefined {
  if (typeof text !== "string") return undefined;
  const parsed = parseJson(text);
  return parsed.ok && isObject(parsed.value) ? parsed.value : undefined;
}

/** The log entry in a message of Pub/Sub, pushed or pulled; the value itself when it is none. */
function unwrapMessage(value: JsonObject): JsonObject {
  const data = objectAt(value, "message")?.["data"];
  if (typeof data !== "string" || !/^[A-Za-z0-9+/_-]+=*$/.test(data)) return value;
  return parseObject(Buffer.from(data, "base64").toString("utf8")) ?? value;
}

/** Exports to BigQuery call the payload otherwise and keep its free parts as JSON texts. */
function fromBigQuery(payload: JsonObject): JsonObject {
  const parts = { metadata: "metadataJson", request: "requestJson", response: "responseJson" };
  const parsed = Object.entries(parts).map(([name, column]) => [name, parseObject(payload[column])] as const);
  return { ...payload, ...Object.fromEntries(parsed.filter(([, part]) => part !== undefined)) };
}

/** A log entry as it came, and with the names that Cloud Logging gives its members. */
export interface GcpEntry {
  readonly native: JsonObject;
  readonly entry: JsonObject;
  readonly payload: JsonObject | undefined;
}

/** Finds the log entry of a record: in a Pub/Sub message, in a row of BigQuery, or the record itself. */
export function readGcpEntry(value: JsonObject): GcpEntry {
  const native = unwrapMessage(value);
  const row = objectAt(native, "protopayload_auditlog");
  if (row !== undefined) return { native, entry: native, payload: fromBigQuery(row) };
  const entry = Object.hasOwn(native, "logName") ? native : canonicalNames(native, names);
  return { native, entry, payload: objectAt(entry, "protoPayload") };
}

/** Whether an audit record is of Google Workspace: an activity of its Reports API in the form of a log entry. */
export function isWorkspacePayload(payload: JsonObject | undefined): boolean {
  const metadata = objectAt(payload, "metadata");
  return metadata !== undefined && String(metadata["@type"]).endsWith("ccc_hosted_reporting.ActivityProto");
}

/** The project of an entry, else its folder, organization or billing account. */
export function gcpContainer(entry: JsonObject): string | undefined {
  const project = textAt(entry, "resource", "labels", "project_id");
  if (project !== undefined) return project;
  const [kind, id] = (textAt(entry, "logName") ?? "").split("/");
  if (id === undefined || id === "") return undefined;
  return kind === "projects" ? id : `${kind}/${id}`;
}

/** The id that Cloud Logging removes duplicates by: entries of one log with the same time and `insertId` are one. */
export function gcpNativeId(entry: JsonObject): string | undefined {
  const insertId = textAt(entry, "insertId");
  if (insertId === undefined) return undefined;
  return [textAt(entry, "logName"), textAt(entry, "timestamp"), insertId]
    .filter((part) => part !== undefined)
    .join(" ");
}

/** The trace of an entry without the project in front, and the span in it. */
export function gcpTrace(entry: JsonObject): {
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
} {
  return { traceId: textAt(entry, "trace")?.replace(/^.*\//, ""), spanId: textAt(entry, "spanId") };
}
