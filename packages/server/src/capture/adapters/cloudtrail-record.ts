import { parseJson } from "@evident/core";
import { canonicalNames, isObject, type JsonObject, objectAt } from "../adapt/index.ts";

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
export function unwrapRecord(value: JsonObject): JsonObject {
  const detail = objectAt(value, "detail");
  if (detail !== undefined && Object.hasOwn(value, "detail-type")) return detail;
  if (Object.hasOwn(value, "eventName")) return value;
  const text = value["CloudTrailEvent"] ?? value["eventJson"] ?? value["message"];
  if (typeof text !== "string" || !text.trimStart().startsWith("{")) return value;
  const parsed = parseJson(text);
  return parsed.ok && isObject(parsed.value) ? parsed.value : value;
}

/** The record with the names that CloudTrail gives its members. */
export function canonicalRecord(value: JsonObject): JsonObject {
  if (Object.hasOwn(value, "eventName") || !Object.hasOwn(value, "eventname")) return value;
  const renamed = canonicalNames(value, names);
  const identity = objectAt(renamed, "userIdentity");
  return identity === undefined ? renamed : { ...renamed, userIdentity: canonicalNames(identity, identityNames) };
}
