import { Type } from "typebox";
import {
  canonicalNames,
  countryCode,
  defineJsonAdapter,
  field,
  type JsonObject,
  type LooseTime,
  listAt,
  lookUp,
  type Made,
  made,
  maskMembers,
  type NativeEvent,
  objectAt,
  readLooseTime,
  splitAddress,
  textAt,
  unreadable,
} from "../adapt/index.ts";
import { entraOp, signInStatus } from "./entra-ops.ts";

const NAMES = [
  "operationName",
  "category",
  "resourceId",
  "correlationId",
  "callerIpAddress",
  "resultType",
  "resultDescription",
  "tenantId",
  "properties",
  "time",
];

/** A record of either form: `facts` are the members that the Graph API gives, `envelope` what a diagnostic setting puts around them. */
interface Entry {
  readonly record: JsonObject;
  readonly envelope: JsonObject;
  readonly facts: JsonObject;
  readonly ns: string;
  readonly tenant: string;
  readonly warnings: string[];
}

type Actor = NativeEvent["actor"];
type Resource = NativeEvent["resources"][number];

function timeOf({ envelope, facts }: Entry, name: string): LooseTime | undefined {
  return readLooseTime(textAt(facts, name)) ?? readLooseTime(textAt(envelope, "time"));
}

function sourceOf({ envelope, facts }: Entry, ...more: readonly (string | undefined)[]): NativeEvent["source"] {
  const claimed = listAt(facts, "additionalDetails").find((detail) => textAt(detail, "key") === "ipaddr");
  const stated = [...more, textAt(facts, "ipAddress"), textAt(envelope, "callerIpAddress"), textAt(claimed, "value")];
  const address = stated.map((text) => splitAddress(text)).find((found) => found !== undefined);
  const place = objectAt(facts, "location");
  const [lat, lon] = [field(place, "geoCoordinates", "latitude"), field(place, "geoCoordinates", "longitude")];
  return {
    ip: address?.ip,
    port: address?.port,
    ipTrust: address === undefined ? undefined : "peer",
    userAgent: textAt(facts, "userAgent"),
    geo: {
      country: countryCode(textAt(place, "countryOrRegion")),
      region: textAt(place, "state"),
      city: textAt(place, "city"),
      lat: typeof lat === "number" && Math.abs(lat) <= 90 ? lat : undefined,
      lon: typeof lon === "number" && Math.abs(lon) <= 180 ? lon : undefined,
      asn: textAt(facts, "autonomousSystemNumber"),
    },
  };
}

function initiator({ facts, ns, warnings }: Entry): Actor {
  const user = objectAt(facts, "initiatedBy", "user");
  const app = objectAt(facts, "initiatedBy", "app");
  const login = textAt(user, "userPrincipalName");
  const userId = textAt(user, "id") ?? login;
  if (userId !== undefined) {
    const email = login?.includes("@") === true ? login : undefined;
    return { type: "user", id: userId, ns, name: textAt(user, "displayName") ?? login, email };
  }
  const name = textAt(app, "displayName");
  const appId = textAt(app, "servicePrincipalId") ?? textAt(app, "appId") ?? name;
  if (appId === undefined) {
    warnings.push("actor:default");
    return { type: "unknown", id: "unknown", ns };
  }
  if (appId === name) warnings.push("actor:name");
  return { type: "service", id: appId, ns, name };
}

/** Quotes stand around the values of modified properties; only their names are kept here. */
function modifiedFields(facts: JsonObject): readonly string[] {
  const names = listAt(facts, "targetResources").flatMap((target) =>
    listAt(target, "modifiedProperties").flatMap((property) => textAt(property, "displayName") ?? []),
  );
  return [...new Set(names)];
}

const results: Readonly<Record<string, NativeEvent["outcome"]["status"]>> = {
  success: "success",
  succeeded: "success",
  failure: "failure",
  failed: "failure",
  timeout: "failure",
};
const DENIED = /denied|unauthori|forbidden|insufficient|not authorized|not allowed|privilege|blocked|403|401/i;

function readAudit(entry: Entry): Made {
  const { record, envelope, facts, tenant, ns, warnings } = entry;
  const time = timeOf(entry, "activityDateTime");
  if (time === undefined) {
    return unreadable("activityDateTime", "is no RFC 3339 time", "Send records of the audit log whole.");
  }
  if (time.tz !== undefined) warnings.push("tz:assumed");
  const activity = textAt(facts, "activityDisplayName") ?? textAt(envelope, "operationName");
  if (activity === undefined)
    return unreadable("activityDisplayName", "is missing", "Send records of the audit log whole.");
  const op = entraOp(activity, textAt(facts, "operationType"));
  if (op === undefined) warnings.push("op:default");
  const targets = listAt(facts, "targetResources").flatMap((target): readonly Resource[] => {
    const name = textAt(target, "displayName") ?? textAt(target, "userPrincipalName");
    const id = textAt(target, "id") ?? textAt(target, "userPrincipalName") ?? name;
    const type = textAt(target, "type")?.toLowerCase() ?? "object";
    return id === undefined ? [] : [{ type: `entra.${type}`, id, name, scope: [tenant] }];
  });
  if (targets.length === 0) warnings.push("resource:default");
  const word = (textAt(facts, "result") ?? textAt(envelope, "resultType"))?.toLowerCase();
  const reason = textAt(facts, "resultReason") ?? textAt(envelope, "resultDescription");
  const status = lookUp(results, word) ?? "unknown";
  const isDenied = status === "failure" && reason !== undefined && DENIED.test(reason);
  return made({
    time: { ...time, basis: "event" },
    actor: initiator(entry),
    action: { op: op ?? "OTHER", name: activity, kind: op === "AUTH" || op === "LOGOUT" ? "auth" : "iam" },
    resources: targets.length > 0 ? targets : [{ type: "entra.directory", id: tenant, scope: [tenant] }],
    outcome: { status: isDenied ? "denied" : status, code: word, reason },
    source: sourceOf(
      entry,
      textAt(facts, "initiatedBy", "user", "ipAddress"),
      textAt(facts, "initiatedBy", "app", "ipAddress"),
    ),
    impact: { fields: modifiedFields(facts) },
    trace: { correlationId: textAt(facts, "correlationId") ?? textAt(envelope, "correlationId") },
    origin: {
      system: ns,
      nativeId: textAt(facts, "id"),
      nativeVersion: textAt(envelope, "operationVersion"),
      warnings,
    },
    native: maskMembers(record),
  });
}

function signInActor({ facts, ns, warnings }: Entry): Actor {
  const session = {
    id: textAt(facts, "sessionId") ?? textAt(facts, "uniqueTokenIdentifier"),
    mfa: textAt(facts, "authenticationRequirement") === "multiFactorAuthentication" ? true : undefined,
    issuer: textAt(facts, "tokenIssuerName"),
  };
  const credentialKey = textAt(facts, "servicePrincipalCredentialKeyId");
  const credential = credentialKey === undefined ? undefined : { kind: "application_key", id: credentialKey };
  const login = textAt(facts, "userPrincipalName");
  // A user id of zeros stands for nobody.
  const userId = textAt(facts, "userId")?.replace(/^[0-]+$/, "");
  const service = textAt(facts, "servicePrincipalId");
  if (service !== undefined && (userId === undefined || userId === "")) {
    return { type: "service", id: service, ns, name: textAt(facts, "servicePrincipalName"), session, credential };
  }
  const id = userId === undefined || userId === "" ? login : userId;
  if (id === undefined) {
    warnings.push("actor:default");
    return { type: "unknown", id: "unknown", ns };
  }
  if (id === login) warnings.push("actor:claimed");
  const email = login?.includes("@") === true ? login : undefined;
  return { type: "user", id, ns, name: textAt(facts, "userDisplayName") ?? login, email, session };
}

function signInOutcome({ envelope, facts }: Entry): NativeEvent["outcome"] {
  const code = textAt(facts, "status", "errorCode") ?? textAt(envelope, "resultType");
  const detail = textAt(facts, "status", "failureReason") ?? textAt(envelope, "resultDescription");
  const reason = detail === "Other." ? undefined : detail;
  if (code === undefined) return { status: "unknown", reason };
  const word = lookUp(results, code.toLowerCase());
  if (word !== undefined) return { status: word, code, reason };
  const status = signInStatus(code);
  if (status === "success") return { status, code };
  const isBlocked = textAt(facts, "conditionalAccessStatus") === "failure" && status === "failure";
  return { status: isBlocked ? "denied" : status, code, reason };
}

function readSignIn(entry: Entry): Made {
  const { record, envelope, facts, tenant, ns, warnings } = entry;
  const time = timeOf(entry, "createdDateTime");
  if (time === undefined) {
    return unreadable("createdDateTime", "is no RFC 3339 time", "Send records of the sign-in log whole.");
  }
  if (time.tz !== undefined) warnings.push("tz:assumed");
  const resourceName = textAt(facts, "resourceDisplayName");
  const resourceId = textAt(facts, "resourceId") ?? resourceName;
  const appName = textAt(facts, "appDisplayName");
  const appId = textAt(facts, "appId") ?? appName;
  const resources: readonly Resource[] = [
    ...(resourceId === undefined
      ? []
      : [{ type: "entra.resource", id: resourceId, name: resourceName, scope: [tenant] }]),
    ...(appId === undefined
      ? []
      : [
          {
            type: "entra.application",
            id: appId,
            name: appName,
            scope: [tenant],
            role: resourceId === undefined ? undefined : ("related" as const),
          },
        ]),
  ];
  const [first] = resources;
  if (first === undefined) warnings.push("resource:default");
  else if (first.id === first.name) warnings.push("resource:name");
  const method = textAt(facts, "clientAppUsed");
  return made({
    time: { ...time, basis: "event" },
    actor: signInActor(entry),
    action: { op: "AUTH", name: textAt(envelope, "operationName") ?? "Sign-in activity", kind: "auth" },
    resources: resources.length > 0 ? resources : [{ type: "entra.directory", id: tenant, scope: [tenant] }],
    outcome: signInOutcome(entry),
    source: sourceOf(entry),
    trace: {
      requestId: textAt(facts, "originalRequestId"),
      correlationId: textAt(facts, "correlationId") ?? textAt(envelope, "correlationId"),
    },
    origin: {
      system: ns,
      nativeId: textAt(facts, "id"),
      nativeVersion: textAt(envelope, "operationVersion"),
      warnings,
    },
    detail: method === undefined ? undefined : { clientApp: method },
    native: maskMembers(record),
  });
}

function isSignIn(facts: JsonObject, category: string): boolean {
  if (category.endsWith("signinlogs")) return true;
  return (
    "createdDateTime" in facts && ("userPrincipalName" in facts || "servicePrincipalId" in facts) && "appId" in facts
  );
}

function isAudit(facts: JsonObject): boolean {
  const isActivity = "activityDisplayName" in facts || "activityDateTime" in facts;
  return isActivity && ("initiatedBy" in facts || "targetResources" in facts);
}

/** Audit and sign-in logs of Microsoft Entra ID, as the Graph API gives them and as diagnostic settings send them. */
export const entra = defineJsonAdapter({
  name: "entra",
  title: "Microsoft Entra ID audit and sign-in logs (Graph API, diagnostic settings, event hubs)",
  wrappers: ["value", "records"],
  options: Type.Object(
    {
      tenant: Type.Optional(
        Type.String({
          description:
            "Id of the tenant where records do not state it, as those of the Graph API: namespace of its users.",
          minLength: 1,
          maxLength: 200,
        }),
      ),
    },
    { additionalProperties: false },
  ),
  recognises(record) {
    const value = canonicalNames(record, NAMES);
    const properties = objectAt(value, "properties");
    const category = (textAt(value, "category") ?? "").toLowerCase();
    if (properties === undefined) return isAudit(value) || isSignIn(value, "");
    return isAudit(properties) || category.endsWith("signinlogs");
  },
  prepare:
    ({ tenant }) =>
    (record) => {
      const value = canonicalNames(record, NAMES);
      const properties = objectAt(value, "properties");
      const facts = properties ?? value;
      const stated =
        textAt(value, "tenantId") ?? tenant ?? textAt(facts, "resourceTenantId") ?? textAt(facts, "homeTenantId");
      const ns = stated === undefined ? "entra" : `entra:${stated}`;
      const entry: Entry = { record, envelope: value, facts, ns, tenant: stated ?? "entra", warnings: [] };
      const category = (textAt(value, "category") ?? "").toLowerCase();
      return isSignIn(facts, category) ? readSignIn(entry) : readAudit(entry);
    },
});
