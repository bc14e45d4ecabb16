import { parseJson } from "@evident/core";
import { Type } from "typebox";
import {
  canonicalNames,
  defineJsonAdapter,
  isObject,
  type JsonObject,
  type Made,
  made,
  maskMembers,
  type NativeEvent,
  objectAt,
  readLooseTime,
  skipped,
  splitAddress,
  textAt,
  unreadable,
} from "../adapt/index.ts";
import { cloudtrailActor } from "./cloudtrail-actor.ts";
import { cloudtrailOp } from "./cloudtrail-ops.ts";
import { cloudtrailResources } from "./cloudtrail-resources.ts";

/** Members of a record, and of what is in it, whose names data lakes write in small letters. */
const names = [
  "additionalEventData",
  "apiVersion",
  "awsRegion",
  "errorCode",
  "errorMessage",
  "eventCategory",
  "eventID",
  "eventName",
  "eventSource",
  "eventTime",
  "eventType",
  "eventVersion",
  "insightDetails",
  "managementEvent",
  "readOnly",
  "recipientAccountId",
  "requestID",
  "requestParameters",
  "responseElements",
  "serviceEventDetails",
  "sharedEventID",
  "sourceIPAddress",
  "userAgent",
  "userIdentity",
  "vpcEndpointId",
];
const identityNames = ["accessKeyId", "accountId", "invokedBy", "principalId", "sessionContext", "userName"];

/** The record inside an event of EventBridge, CloudWatch Logs, CloudTrail Lake or `aws cloudtrail lookup-events`; itself without one. */
function unwrap(value: JsonObject): JsonObject {
  const detail = objectAt(value, "detail");
  if (detail !== undefined && Object.hasOwn(value, "detail-type")) return detail;
  if (Object.hasOwn(value, "eventName")) return value;
  const text = value["CloudTrailEvent"] ?? value["eventJson"] ?? value["message"];
  if (typeof text !== "string" || !text.trimStart().startsWith("{")) return value;
  const parsed = parseJson(text);
  return parsed.ok && isObject(parsed.value) ? parsed.value : value;
}

function canonical(value: JsonObject): JsonObject {
  if (Object.hasOwn(value, "eventName") || !Object.hasOwn(value, "eventname")) return value;
  const renamed = canonicalNames(value, names);
  const identity = objectAt(renamed, "userIdentity");
  return identity === undefined ? renamed : { ...renamed, userIdentity: canonicalNames(identity, identityNames) };
}

const IAM_SERVICES = new Set([
  "iam",
  "organizations",
  "sso-admin",
  "sso-directory",
  "identitystore",
  "ram",
  "access-analyzer",
]);
const AUTH_SERVICES = new Set(["signin", "sso", "sso-oauth", "cognito-idp", "cognito-identity"]);
const DATA_SERVICES = new Set([
  "dynamodb",
  "rds-data",
  "redshift-data",
  "athena",
  "qldb",
  "timestream",
  "dax",
  "docdb-elastic",
]);

function kindOf(record: JsonObject, service: string, op: string): NativeEvent["action"]["kind"] {
  if (op === "AUTH" || op === "LOGOUT") return AUTH_SERVICES.has(service) || service === "sts" ? "auth" : "api";
  if (IAM_SERVICES.has(service) || service === "sso" || service === "sts") return "iam";
  if (DATA_SERVICES.has(service)) return "datastore";
  const isData =
    textAt(record, "eventCategory") === "Data" || textAt(record, "managementEvent")?.toLowerCase() === "false";
  return service === "s3" && isData ? "datastore" : "api";
}

/** The policy said no, or the credential was not good: both are refusals, not errors. */
const REFUSED =
  /AccessDenied|Unauthorized|Forbidden|NotAuthorized|AuthFailure|InvalidClientToken|InvalidAccessKeyId|ExpiredToken|SignatureDoesNotMatch|UnrecognizedClient|MissingAuthenticationToken|AuthorizationError|PermissionDenied/i;

function outcomeOf(record: JsonObject, eventName: string): NativeEvent["outcome"] {
  const code = textAt(record, "errorCode");
  const reason = textAt(record, "errorMessage");
  if (code !== undefined) return { status: REFUSED.test(code) ? "denied" : "failure", code, reason };
  // Sign-in events answer under their own name, and a refused one has no code.
  const answer = textAt(record, "responseElements", eventName);
  if (answer === "Failure") return { status: "denied", reason: reason ?? answer };
  if (reason !== undefined)
    return { status: /denied|not authorized|failed auth/i.test(reason) ? "denied" : "failure", reason };
  return { status: "success" };
}

function sourceOf(record: JsonObject): NativeEvent["source"] {
  const from = textAt(record, "sourceIPAddress");
  const address = splitAddress(from);
  return {
    ip: address?.ip,
    port: address?.port,
    ipTrust: address === undefined ? undefined : "peer",
    // A service's name, or `AWS Internal`; a call that a service made for somebody names it as well.
    service: textAt(record, "userIdentity", "invokedBy") ?? (address === undefined ? from : undefined),
    userAgent: textAt(record, "userAgent"),
  };
}

function readInsight(record: JsonObject, place: NativeEvent["resources"]): Pick<NativeEvent, "action" | "resources"> {
  const details = objectAt(record, "insightDetails");
  const service = (textAt(details, "eventSource") ?? "cloudtrail").replace(".amazonaws.com", "");
  const name = `insight:${service}:${textAt(details, "eventName") ?? "unknown"}`;
  return { action: { op: "OTHER", name, kind: "other" }, resources: place };
}

function readRecord(wrapped: JsonObject, fallback: string | undefined): Made {
  const native = unwrap(wrapped);
  const record = canonical(native);
  if (Object.hasOwn(record, "digestS3Bucket")) return skipped("digest file of CloudTrail");
  if (textAt(record, "message")?.startsWith("CWL CONTROL MESSAGE") === true)
    return skipped("control message of CloudWatch Logs");
  const isInsight = textAt(record, "eventType") === "AwsCloudTrailInsight";
  const eventName = textAt(record, "eventName") ?? textAt(record, "insightDetails", "eventName");
  const eventSource = textAt(record, "eventSource") ?? textAt(record, "insightDetails", "eventSource");
  if (eventName === undefined)
    return unreadable("eventName", "is missing", "Send the records as CloudTrail wrote them.");
  if (eventSource === undefined)
    return unreadable("eventSource", "is missing", "Send the records as CloudTrail wrote them.");
  const time = readLooseTime(textAt(record, "eventTime"));
  if (time === undefined) {
    const problem = Object.hasOwn(record, "eventTime") ? "is no time" : "is missing";
    return unreadable("eventTime", problem, "Send the records as CloudTrail wrote them.");
  }
  const account = textAt(record, "recipientAccountId") ?? textAt(record, "userIdentity", "accountId") ?? fallback;
  const place = { account, region: textAt(record, "awsRegion") };
  const service = eventSource.replace(/\.amazonaws\.com(?:\.cn)?$/, "");
  const op = cloudtrailOp(service, eventName);
  const isReadOnly = textAt(record, "readOnly")?.toLowerCase() === "true";
  const { actor, warning: actorWarning } = cloudtrailActor(record, account);
  const found = cloudtrailResources(record, service, eventName, place);
  const exactOp = refineOp(op ?? (isReadOnly ? "READ" : "OTHER"), record, eventName);
  const event = {
    action: { op: exactOp, name: `${service}:${eventName}`, kind: kindOf(record, service, exactOp) },
    resources: found.resources,
    ...(isInsight && account !== undefined ? readInsight(record, [{ type: "aws.account", id: account }]) : {}),
  };
  const isRoot = textAt(record, "userIdentity", "type") === "Root";
  return made({
    ...event,
    time: { ...time, basis: "event" },
    actor,
    outcome: outcomeOf(record, eventName),
    source: sourceOf(record),
    impact: {
      bytesIn: bytesAt(record, "bytesTransferredIn"),
      bytesOut: bytesAt(record, "bytesTransferredOut"),
    },
    trace: { requestId: textAt(record, "requestID"), correlationId: textAt(record, "sharedEventID") },
    origin: {
      system: account ?? "aws",
      nativeId: textAt(record, "eventID"),
      nativeVersion: textAt(record, "eventVersion"),
      warnings: [
        ...(op === undefined && !isInsight ? ["op:default"] : []),
        ...(actorWarning === undefined ? [] : [actorWarning]),
        ...(found.warning === undefined || isInsight ? [] : [found.warning]),
        ...(account === undefined ? ["system:default"] : []),
        ...(time.tz === "assumed" ? ["tz:assumed"] : []),
      ],
    },
    labels: isRoot ? ["privileged"] : undefined,
    native: maskMembers(native),
  });
}

/** Bytes that were transferred; S3 writes them as numbers with a fraction. */
function bytesAt(record: JsonObject, name: string): string | undefined {
  return textAt(record, "additionalEventData", name)?.replace(/\.0*$/, "");
}

/** Sharing a snapshot or an image gives its content away; taking the permission back revokes it. */
function refineOp(op: NativeEvent["action"]["op"], record: JsonObject, eventName: string): typeof op {
  if (!/^Modify(?:DB(?:Cluster)?)?(?:Snapshot|Image)Attribute$/.test(eventName)) return op;
  const parameters = objectAt(record, "requestParameters");
  const permission = objectAt(parameters, "createVolumePermission") ??
    objectAt(parameters, "launchPermission") ?? {
      add: parameters?.["valuesToAdd"],
      remove: parameters?.["valuesToRemove"],
    };
  if (isGiven(permission["add"])) return "EXPORT";
  return isGiven(permission["remove"]) ? "REVOKE" : op;
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : isObject(value);
}

/** CloudTrail records: docs.aws.amazon.com/awscloudtrail, "CloudTrail record contents". */
export const cloudtrail = defineJsonAdapter({
  name: "cloudtrail",
  title: "AWS CloudTrail records, S3 object files and the wrappers of AWS around them",
  wrappers: ["Records", "logEvents", "Events"],
  options: Type.Object(
    {
      account: Type.Optional(
        Type.String({ description: "Account of records that name none: scope of their resources.", minLength: 1 }),
      ),
    },
    { additionalProperties: false },
  ),
  recognises(value) {
    const record = canonical(unwrap(value));
    if (Object.hasOwn(record, "digestS3Bucket") && Object.hasOwn(record, "awsAccountId")) return true;
    const source = record["eventSource"];
    const isAws = typeof source === "string" && source.includes(".amazonaws.com");
    if (isAws && typeof record["eventName"] === "string") return true;
    return record["eventType"] === "AwsCloudTrailInsight";
  },
  prepare:
    ({ account }) =>
    (value) =>
      readRecord(value, account),
});
