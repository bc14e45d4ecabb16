import { Type } from "typebox";
import {
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
import { canonicalRecord, unwrapRecord } from "./cloudtrail-record.ts";
import { type AwsPlace, cloudtrailResources } from "./cloudtrail-resources.ts";

const INSIGHT = "AwsCloudTrailInsight";
const FIX = "Send the records as CloudTrail wrote them.";
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

const LIKE_ADDRESS = /^[\d.]+$|^[\da-f:]*:[\da-f:.]*$/i;

function sourceOf(record: JsonObject): { readonly source: NativeEvent["source"]; readonly warning?: string } {
  const from = textAt(record, "sourceIPAddress");
  const address = splitAddress(from);
  const isBroken = address === undefined && from !== undefined && LIKE_ADDRESS.test(from);
  const source = {
    ip: address?.ip,
    port: address?.port,
    ipTrust: address === undefined ? undefined : ("peer" as const),
    host: isBroken ? from : undefined,
    // A service's name, or `AWS Internal`; a call that a service made for somebody names it as well.
    service: textAt(record, "userIdentity", "invokedBy") ?? (address === undefined && !isBroken ? from : undefined),
    userAgent: textAt(record, "userAgent"),
  };
  return isBroken ? { source, warning: "ip:invalid" } : { source };
}

type Place = AwsPlace & { readonly service: string; readonly eventName: string };

/** What was done to what. An insight says that calls of an account came unusually often or seldom. */
function readAccess(record: JsonObject, place: Place, warnings: string[]): Pick<NativeEvent, "action" | "resources"> {
  const { service, eventName, account } = place;
  if (textAt(record, "eventType") === INSIGHT && account !== undefined) {
    const name = `insight:${service}:${eventName}`;
    return { action: { op: "OTHER", name, kind: "other" }, resources: [{ type: "aws.account", id: account }] };
  }
  const known = cloudtrailOp(service, eventName);
  if (known === undefined) warnings.push("op:default");
  const isReadOnly = textAt(record, "readOnly")?.toLowerCase() === "true";
  const op = refineOp(known ?? (isReadOnly ? "READ" : "OTHER"), record, eventName);
  const { resources, warning } = cloudtrailResources(record, service, eventName, place);
  if (warning !== undefined) warnings.push(warning);
  return { action: { op, name: `${service}:${eventName}`, kind: kindOf(record, service, op) }, resources };
}

function readRecord(wrapped: JsonObject, fallback: string | undefined): Made {
  const native = unwrapRecord(wrapped);
  const record = canonicalRecord(native);
  if (Object.hasOwn(record, "digestS3Bucket")) return skipped("digest file of CloudTrail");
  if (textAt(record, "message")?.startsWith("CWL CONTROL MESSAGE") === true)
    return skipped("control message of CloudWatch Logs");
  const eventName = textAt(record, "eventName") ?? textAt(record, "insightDetails", "eventName");
  const eventSource = textAt(record, "eventSource") ?? textAt(record, "insightDetails", "eventSource");
  const time = readLooseTime(textAt(record, "eventTime"));
  if (eventName === undefined) return unreadable("eventName", "is missing", FIX);
  if (eventSource === undefined) return unreadable("eventSource", "is missing", FIX);
  if (time === undefined)
    return unreadable("eventTime", Object.hasOwn(record, "eventTime") ? "is no time" : "is missing", FIX);
  const account = textAt(record, "recipientAccountId") ?? textAt(record, "userIdentity", "accountId") ?? fallback;
  const service = eventSource.replace(/\.amazonaws\.com(?:\.cn)?$/, "");
  const warnings: string[] = [];
  const access = readAccess(record, { account, region: textAt(record, "awsRegion"), service, eventName }, warnings);
  const { actor, warning: actorWarning } = cloudtrailActor(record, account);
  const { source, warning: sourceWarning } = sourceOf(record);
  if (actorWarning !== undefined) warnings.push(actorWarning);
  if (sourceWarning !== undefined) warnings.push(sourceWarning);
  if (account === undefined) warnings.push("system:default");
  if (time.tz === "assumed") warnings.push("tz:assumed");
  return made({
    ...access,
    time: { ...time, basis: "event" },
    actor,
    outcome: outcomeOf(record, eventName),
    source,
    impact: { bytesIn: bytesAt(record, "bytesTransferredIn"), bytesOut: bytesAt(record, "bytesTransferredOut") },
    trace: { requestId: textAt(record, "requestID"), correlationId: textAt(record, "sharedEventID") },
    origin: {
      system: account ?? "aws",
      nativeId: textAt(record, "eventID"),
      nativeVersion: textAt(record, "eventVersion"),
      warnings,
    },
    labels: textAt(record, "userIdentity", "type") === "Root" ? ["privileged"] : undefined,
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
    const record = canonicalRecord(unwrapRecord(value));
    if (Object.hasOwn(record, "digestS3Bucket") && Object.hasOwn(record, "awsAccountId")) return true;
    const source = record["eventSource"];
    const isAws = typeof source === "string" && source.includes(".amazonaws.com");
    if (isAws && typeof record["eventName"] === "string") return true;
    return record["eventType"] === INSIGHT;
  },
  prepare:
    ({ account }) =>
    (value) =>
      readRecord(value, account),
});
