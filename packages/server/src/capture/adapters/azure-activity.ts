import { Type } from "typebox";
import {
  type AdaptContext,
  canonicalNames,
  defineJsonAdapter,
  field,
  type JsonObject,
  lookUp,
  type Made,
  made,
  maskMembers,
  type NativeEvent,
  NativeRecord,
  objectAt,
  readLooseTime,
  skipped,
  splitAddress,
  textAt,
  toText,
  unreadable,
} from "../adapt/index.ts";
import { azureOp, azureStorageOp } from "./azure-ops.ts";
import { kubernetes } from "./kubernetes.ts";

const NAMES = [
  "operationName",
  "category",
  "resourceId",
  "correlationId",
  "callerIpAddress",
  "resultType",
  "resultSignature",
  "tenantId",
];
const CLAIMS = {
  oid: "http://schemas.microsoft.com/identity/claims/objectidentifier",
  tid: "http://schemas.microsoft.com/identity/claims/tenantid",
  upn: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
  email: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
} as const;

/** Text at a name, or of its `value`: the REST form wraps what it also states in the reader's language. */
function text(value: JsonObject | undefined, name: string): string | undefined {
  const found = field(value, name);
  return toText(found) ?? textAt(found, "value");
}

function claim(claims: JsonObject | undefined, name: keyof typeof CLAIMS): string | undefined {
  return textAt(claims, CLAIMS[name]) ?? textAt(claims, name);
}

interface Place {
  readonly tenant: string | undefined;
  readonly subscription: string | undefined;
  readonly scope: readonly string[];
  readonly type: string;
  readonly name: string | undefined;
}

/** What contains a resource, and its type, out of `/subscriptions/…/resourceGroups/…/providers/<namespace>/<type>/<name>…`. */
function placeOf(resourceId: string, tenant: string | undefined): Place {
  const parts = resourceId.split("/").filter((part) => part !== "");
  const after = (word: string): string | undefined => {
    const at = parts.findIndex((part) => part.toLowerCase() === word);
    return at < 0 ? undefined : parts[at + 1];
  };
  const subscription = after("subscriptions");
  const group = after("resourcegroups");
  const providerAt = parts.findLastIndex((part) => part.toLowerCase() === "providers");
  const types = parts.slice(providerAt + 1).filter((_part, index) => index === 0 || index % 2 === 1);
  const kind = subscription === undefined ? "resource" : group === undefined ? "subscription" : "resourcegroup";
  return {
    tenant,
    subscription,
    scope: [tenant, subscription, group].filter((part) => part !== undefined),
    type: `azure.${providerAt < 0 ? kind : types.join("/").toLowerCase()}`,
    name: parts.at(-1),
  };
}

function readActor(value: JsonObject, ns: string, warnings: string[]): NativeEvent["actor"] {
  const claims = objectAt(value, "claims") ?? objectAt(value, "identity", "claims");
  const requester = objectAt(value, "identity", "requester");
  const caller = text(value, "caller");
  const appId = textAt(claims, "appid") ?? textAt(requester, "appId");
  const name = textAt(claims, "name");
  const login = claim(claims, "upn") ?? claim(claims, "email") ?? textAt(requester, "upn");
  const objectId = claim(claims, "oid") ?? textAt(requester, "objectId");
  const principalType = textAt(value, "identity", "authorization", "evidence", "principalType");
  const isApp =
    textAt(claims, "idtyp") === "app" ||
    /service|managed/i.test(principalType ?? "") ||
    (appId !== undefined && login === undefined && name === undefined);
  const id = objectId ?? login ?? (isApp ? appId : undefined) ?? caller ?? name;
  const common = {
    ns,
    name: name ?? login ?? caller,
    email: [login, caller].find((each) => each?.includes("@") === true),
    groups: textAt(claims, "groups")?.split(",") ?? [],
    session: { id: textAt(claims, "sid") ?? textAt(claims, "uti") },
    credential: appId === undefined || isApp ? undefined : { kind: "application", id: appId },
  };
  if (id !== undefined) {
    if (objectId === undefined && login === undefined && id === name) warnings.push("actor:name");
    return { type: isApp ? "service" : "user", id, ...common };
  }
  const address = splitAddress(text(value, "callerIpAddress"))?.ip;
  if (textAt(value, "identity", "type") === "Anonymous" && address !== undefined) {
    return { type: "anonymous", id: address, ns };
  }
  warnings.push("actor:default");
  return { type: "unknown", id: "unknown", ns };
}

const statuses: Readonly<Record<string, NativeEvent["outcome"]["status"]>> = {
  start: "pending",
  started: "pending",
  accept: "pending",
  accepted: "pending",
  "in progress": "pending",
  inprogress: "pending",
  active: "pending",
  success: "success",
  succeeded: "success",
  completed: "success",
  resolved: "success",
  fail: "failure",
  failed: "failure",
  failure: "failure",
  error: "failure",
};
const DENIED =
  /\b(?:401|403)\b|forbidden|unauthorized|authorizationfail|authenticationfail|authorizationpermission|denied|disallowedbypolicy/i;

function readOutcome(value: JsonObject, operationName: string): NativeEvent["outcome"] {
  const httpStatus = text(value, "statusCode");
  const word = text(value, "resultType") ?? text(value, "status");
  const code =
    text(value, "subStatus") ??
    text(value, "resultSignature") ??
    httpStatus ??
    textAt(value, "properties", "statusCode");
  const message = textAt(value, "resultDescription") ?? textAt(value, "properties", "statusMessage");
  const reason = message ?? textAt(value, "statusText");
  if (/\/policies\/deny\/action$/i.test(operationName)) return { status: "denied", code, reason };
  const stated = lookUp(statuses, word?.toLowerCase());
  const number = Number(httpStatus ?? Number.NaN);
  const status = stated ?? (number >= 400 ? "failure" : number >= 100 ? "success" : undefined);
  if (status !== "failure") return { status: status ?? "unknown", code };
  const facts = [code, httpStatus, textAt(value, "properties", "statusCode"), textAt(value, "statusText"), message];
  return { status: facts.some((fact) => fact !== undefined && DENIED.test(fact)) ? "denied" : "failure", code, reason };
}

function readSource(value: JsonObject): NativeEvent["source"] {
  const claims = objectAt(value, "claims") ?? objectAt(value, "identity", "claims");
  const stated = text(value, "callerIpAddress") ?? textAt(value, "httpRequest", "clientIpAddress");
  const address = splitAddress(stated ?? textAt(claims, "ipaddr"));
  return {
    ip: address?.ip,
    port: address?.port,
    ipTrust: address === undefined ? undefined : "peer",
    userAgent: textAt(value, "properties", "userAgentHeader"),
  };
}

/** Notices of the Activity Log about the platform itself. */
const notices: ReadonlySet<string> = new Set([
  "servicehealth",
  "resourcehealth",
  "alert",
  "autoscale",
  "recommendation",
  "security",
]);
const COMPONENT = /^(?:kube-(?!audit)|cluster-autoscaler|cloud-controller|csi-|guard$)/;

function readResource(
  value: JsonObject,
  operationName: string,
  tenant: string | undefined,
  warnings: string[],
): readonly [NativeEvent["resources"][number], Place] {
  const authorized = textAt(value, "authorization", "scope") ?? textAt(value, "identity", "authorization", "scope");
  const resourceId = text(value, "resourceId") ?? authorized;
  const place = placeOf(resourceId ?? "", tenant);
  const objectKey = textAt(value, "properties", "objectKey");
  if (objectKey !== undefined) {
    const account = textAt(value, "properties", "accountName");
    const service =
      textAt(value, "properties", "serviceType") ??
      /\.(blob|file|queue|table|dfs)\./.exec(textAt(value, "uri") ?? "")?.[1];
    const scope = account === undefined ? place.scope : [...place.scope, account];
    return [{ type: `azure.${service ?? "storage"}`, id: objectKey, scope }, place];
  }
  if (resourceId !== undefined)
    return [{ type: place.type, id: resourceId, name: place.name, scope: place.scope }, place];
  warnings.push("resource:default");
  return [{ type: "azure.operation", id: operationName, scope: place.scope }, place];
}

function readRecord(record: JsonObject, tenantOption: string | undefined): Made {
  const value = canonicalNames(record, NAMES);
  const operationName = text(value, "operationName");
  if (operationName === undefined) {
    return unreadable("operationName", "is missing", "Send records of the Activity Log whole.");
  }
  const time = readLooseTime(textAt(value, "time") ?? textAt(value, "eventTimestamp"));
  if (time === undefined) return unreadable("time", "is no RFC 3339 time", "Send records of the Activity Log whole.");
  const warnings: string[] = time.tz === undefined ? [] : ["tz:assumed"];
  const isStorage = (text(value, "category") ?? "").toLowerCase().startsWith("storage");
  const op = isStorage ? azureStorageOp(operationName) : azureOp(operationName);
  if (op === undefined) warnings.push("op:default");
  const claims = objectAt(value, "claims") ?? objectAt(value, "identity", "claims");
  const tenant = text(value, "tenantId") ?? claim(claims, "tid") ?? tenantOption;
  const [resource, place] = readResource(value, operationName, tenant, warnings);
  const bytes = (name: string): string | undefined => textAt(value, "properties", name)?.match(/^\d{1,20}$/)?.[0];
  return made({
    time: { ...time, basis: "event" },
    actor: readActor(value, tenant === undefined ? "azure" : `azure:${tenant}`, warnings),
    action: {
      op: op ?? "OTHER",
      name: operationName,
      kind: isStorage ? "file" : op === "GRANT" || op === "REVOKE" ? "iam" : "api",
    },
    resources: [resource],
    outcome: readOutcome(value, operationName),
    source: readSource(value),
    impact: isStorage ? { bytesIn: bytes("requestBodySize"), bytesOut: bytes("responseBodySize") } : undefined,
    trace: {
      requestId: textAt(value, "httpRequest", "clientRequestId") ?? textAt(value, "operationId"),
      correlationId: text(value, "correlationId"),
    },
    origin: {
      system: place.subscription ?? tenant ?? "azure",
      nativeId: textAt(value, "eventDataId"),
      nativeVersion: textAt(value, "operationVersion"),
      warnings,
    },
    native: maskMembers(record),
  });
}

/** What the API server of a managed cluster wrote, as text in a record of Azure's. */
function readClusterAudit(value: JsonObject, record: NativeRecord, context: AdaptContext): readonly Made[] {
  const log = textAt(value, "properties", "log");
  if (log === undefined) return [unreadable("properties.log", "is missing", "Send records of kube-audit whole.")];
  const cluster = placeOf(text(value, "resourceId") ?? "", undefined).name;
  const session = kubernetes.open(cluster === undefined ? {} : { cluster }, context);
  return session.take(new NativeRecord(record.line, log, record.key));
}

/** Records of the Azure Activity Log as diagnostic settings send them and as the REST API gives them, storage logs and kube-audit too. */
export const azureActivity = defineJsonAdapter({
  name: "azure-activity",
  title: "Azure Activity Log (diagnostic settings, event hubs, REST), storage access logs, kube-audit of AKS",
  wrappers: ["records", "value"],
  options: Type.Object(
    {
      tenant: Type.Optional(
        Type.String({
          description: "Id of the tenant where records do not state it: namespace of the callers.",
          minLength: 1,
          maxLength: 200,
        }),
      ),
    },
    { additionalProperties: false },
  ),
  recognises: isAzureActivity,
  prepare:
    ({ tenant }, context) =>
    (value, record) => {
      const category = (text(canonicalNames(value, NAMES), "category") ?? "").toLowerCase();
      if (notices.has(category)) return skipped("a notice about the platform");
      if (COMPONENT.test(category)) return skipped("a log of a cluster's component");
      if (category.startsWith("kube-audit")) return readClusterAudit(value, record, context);
      return readRecord(value, tenant);
    },
});

const categories =
  /^(?:administrative|policy|servicehealth|resourcehealth|alert|autoscale|recommendation|security|storage(?:read|write|delete)|kube-audit(?:-admin)?)$/;

function isAzureActivity(record: JsonObject): boolean {
  const value = canonicalNames(record, NAMES);
  const operationName = text(value, "operationName");
  if (operationName === undefined) return false;
  if (typeof value["eventDataId"] === "string" && "eventTimestamp" in value) return true;
  if (/\/providers\/microsoft\.aadiam/i.test(textAt(value, "resourceId") ?? "")) return false;
  const properties = objectAt(value, "properties");
  if (properties !== undefined && "activityDateTime" in properties) return false;
  return categories.test((text(value, "category") ?? "").toLowerCase());
}
