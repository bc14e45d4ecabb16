import { Type } from "typebox";
import {
  canonicalNames,
  countryCode,
  defineJsonAdapter,
  field,
  isObject,
  type JsonObject,
  listAt,
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
import { oktaOp } from "./okta-ops.ts";

const NAMES = [
  "eventType",
  "displayMessage",
  "authenticationContext",
  "debugContext",
  "securityContext",
  "legacyEventType",
  "published",
];

const actorTypes: Readonly<Record<string, NativeEvent["actor"]["type"]>> = {
  User: "user",
  SystemPrincipal: "system",
  SystemPrincipalEntity: "system",
  OktaSystem: "system",
  PublicClientApp: "service",
  PublicClientAppEntity: "service",
  ServiceClient: "service",
  ConfidentialClientApp: "service",
  AppInstance: "service",
  Agent: "service",
  ADAgent: "service",
  LDAPAgent: "service",
  InlineHook: "service",
  ThirdPartyApp: "service",
};

/** Okta writes `unknown` where it knows nothing. */
function known(text: string | undefined): string | undefined {
  return text === undefined || text.toLowerCase() === "unknown" || text === "null" ? undefined : text;
}

function readActor(value: JsonObject, ns: string, warnings: string[]): NativeEvent["actor"] {
  const actor = objectAt(value, "actor");
  const id = known(textAt(actor, "id"));
  const login = known(textAt(actor, "alternateId"));
  const typeName = textAt(actor, "type") ?? "";
  const type = Object.hasOwn(actorTypes, typeName) ? actorTypes[typeName] : undefined;
  const name = textAt(actor, "displayName");
  const session = known(textAt(value, "authenticationContext", "externalSessionId"));
  const token = textAt(value, "transaction", "detail", "requestApiTokenId");
  const common = {
    ns,
    name: known(name),
    email: login?.includes("@") === true ? login : undefined,
    session: { id: session, issuer: textAt(value, "authenticationContext", "issuer", "id") },
    credential: token === undefined ? undefined : { kind: "api_token", id: token },
    onBehalfOf: readDelegator(value, ns),
  };
  if (id !== undefined) return { type: type ?? "unknown", id, ...common };
  // Nobody of that name exists: it is what somebody typed.
  warnings.push(login === undefined ? "actor:default" : "actor:claimed");
  return { type: "unknown", id: login ?? "unknown", ...common };
}

function readDelegator(value: JsonObject, ns: string): NativeEvent["actor"]["onBehalfOf"] {
  const by = textAt(value, "debugContext", "debugData", "initiatedBy");
  return by === undefined ? undefined : [{ type: "unknown", id: by, ns }];
}

function readResources(
  value: JsonObject,
  org: string,
  isSignIn: boolean,
  warnings: string[],
): NativeEvent["resources"] {
  const resources = listAt(value, "target").flatMap((target): NativeEvent["resources"] => {
    const login = known(textAt(target, "alternateId"));
    const name = textAt(target, "displayName");
    const id = known(textAt(target, "id")) ?? login ?? name;
    if (id === undefined) return [];
    if (known(textAt(target, "id")) === undefined) warnings.push("resource:name");
    return [{ type: `okta.${textAt(target, "type") ?? "target"}`, id, name: name ?? login, scope: [org] }];
  });
  if (resources.length > 0) return resources;
  if (!isSignIn) warnings.push("resource:default");
  return [{ type: "okta.org", id: org, scope: [org] }];
}

/** Reasons of a FAILURE that are somebody's decision or a wrong proof of identity, not a fault. */
const DENIED =
  /INVALID_(?:CREDENTIALS|LOGIN|TOKEN|PASSCODE)|LOCKED_OUT|DENIED|DENY|REJECTED|NOT_ASSIGNED|NOT_ALLOWED|UNAUTHORIZED|FORBIDDEN|VERIFICATION_ERROR|PASSWORD_EXPIRED|invalid_client|invalid_grant|\bpolicy\b|credentials/i;

const statuses: Readonly<Record<string, NativeEvent["outcome"]["status"]>> = {
  SUCCESS: "success",
  ALLOW: "success",
  DENY: "denied",
  CHALLENGE: "pending",
  SKIPPED: "pending",
  DEFERRED: "pending",
  SCHEDULED: "pending",
};

function readOutcome(value: JsonObject): NativeEvent["outcome"] {
  const code = textAt(value, "outcome", "result")?.toUpperCase();
  const reason = textAt(value, "outcome", "reason");
  if (code === "FAILURE") {
    return { status: reason !== undefined && DENIED.test(reason) ? "denied" : "failure", code, reason };
  }
  const status = code !== undefined && Object.hasOwn(statuses, code) ? statuses[code] : undefined;
  return { status: status ?? "unknown", code, reason };
}

function readSource(value: JsonObject): NativeEvent["source"] {
  const client = objectAt(value, "client");
  const address = splitAddress(textAt(client, "ipAddress"));
  const chain = listAt(value, "request", "ipChain").flatMap((hop) => textAt(hop, "ip") ?? []);
  const place = objectAt(client, "geographicalContext");
  return {
    ip: address?.ip,
    ipTrust: address === undefined ? undefined : "peer",
    via: chain.filter((ip) => ip !== address?.ip),
    userAgent: textAt(client, "userAgent", "rawUserAgent"),
    geo: {
      country: countryCode(textAt(place, "country")),
      region: textAt(place, "state"),
      city: textAt(place, "city"),
      lat: numberAt(place, "lat", 90),
      lon: numberAt(place, "lon", 180),
      asn: textAt(value, "securityContext", "asNumber"),
      org: textAt(value, "securityContext", "asOrg"),
    },
  };
}

function numberAt(place: JsonObject | undefined, name: string, limit: number): number | undefined {
  const found = field(place, "geolocation", name);
  return typeof found === "number" && Math.abs(found) <= limit ? found : undefined;
}

function readFields(value: JsonObject): readonly string[] {
  const details = listAt(value, "target").flatMap((target) => [
    ...Object.keys(objectAt(target, "changeDetails", "from") ?? {}),
    ...Object.keys(objectAt(target, "changeDetails", "to") ?? {}),
  ]);
  const attributes = textAt(value, "debugContext", "debugData", "changedAttributes")?.split(",") ?? [];
  return [...new Set([...details, ...attributes.map((name) => name.trim())])];
}

function kindOf(op: NativeEvent["action"]["op"], eventType: string): NativeEvent["action"]["kind"] {
  if (op === "AUTH" || op === "LOGOUT") return "auth";
  return /^(?:user|group|iam|policy|credential|device)\.|privilege|_membership|_assignment/.test(eventType)
    ? "iam"
    : "api";
}

function readRecord(record: JsonObject, org: string): Made {
  const value = canonicalNames(record, NAMES);
  const eventType = textAt(value, "eventType");
  if (eventType === undefined) return unreadable("eventType", "is missing", "Send events of the System Log API whole.");
  const time = readLooseTime(textAt(value, "published"));
  if (time === undefined)
    return unreadable("published", "is no RFC 3339 time", "Send events of the System Log API whole.");
  const warnings: string[] = time.tz === undefined ? [] : ["tz:assumed"];
  const op = oktaOp(eventType);
  if (op === undefined) warnings.push("op:default");
  const isSignIn = op === "AUTH" || op === "LOGOUT";
  const debug = objectAt(value, "debugContext", "debugData");
  return made({
    time: { ...time, basis: "event" },
    actor: readActor(value, `okta:${org}`, warnings),
    action: { op: op ?? "OTHER", name: eventType, kind: kindOf(op ?? "OTHER", eventType) },
    resources: readResources(value, org, isSignIn, warnings),
    outcome: readOutcome(value),
    source: readSource(value),
    impact: { fields: readFields(value) },
    trace: { requestId: textAt(debug, "requestId"), correlationId: textAt(value, "transaction", "id") },
    origin: {
      system: `okta:${org}`,
      nativeId: textAt(value, "uuid"),
      nativeVersion: textAt(value, "version"),
      warnings,
    },
    native: maskMembers(record),
  });
}

/** The events of a record: of an event hook's `data.events`, of an EventBridge log stream's `detail`, or the record itself. */
function unwrap(record: JsonObject): readonly JsonObject[] {
  const hooked = listAt(record, "data", "events").filter(isObject);
  if (hooked.length > 0) return hooked;
  const detail = objectAt(record, "detail");
  return [detail !== undefined && Object.hasOwn(detail, "eventType") ? detail : record];
}

/** Events of the Okta System Log API (`/api/v1/logs`), of event hooks and of log streams. */
export const okta = defineJsonAdapter({
  name: "okta",
  title: "Okta System Log events (API, event hooks, log streaming)",
  options: Type.Object(
    {
      org: Type.String({
        description: "Name of the Okta org, acme of acme.okta.com: namespace of its users and scope of its resources.",
        default: "okta",
        minLength: 1,
        maxLength: 200,
      }),
    },
    { additionalProperties: false },
  ),
  recognises(record) {
    const [value = record] = unwrap(record);
    const { eventType, published, actor, displayMessage, legacyEventType } = canonicalNames(value, NAMES);
    if (typeof eventType !== "string" || typeof actor !== "object" || actor === null) return false;
    if (!("alternateId" in actor)) return false;
    return [published, displayMessage, legacyEventType].some((member) => typeof member === "string");
  },
  prepare:
    ({ org }) =>
    (value) =>
      unwrap(value).map((event) => readRecord(event, org)),
});
