import {
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
  textsAt,
  toText,
  unreadable,
} from "../adapt/index.ts";
import { type GcpEntry, gcpContainer, gcpNativeId, gcpTrace } from "./gcp-entry.ts";
import { gcpOp } from "./gcp-ops.ts";
import { gcpResources } from "./gcp-resources.ts";

type Actor = NativeEvent["actor"];

/** Identities of Google are unique everywhere. */
export const GOOGLE = "google";

function typeOfPrincipal(subject: string): Actor["type"] {
  if (subject.startsWith("serviceAccount:") || subject.endsWith("gserviceaccount.com")) return "service";
  if (subject.startsWith("system:serviceaccount:")) return "service";
  if (subject.startsWith("system:anonymous") || subject === "allUsers") return "anonymous";
  if (subject.startsWith("system:")) return "system";
  // Workloads of other clouds; people of a workforce pool are users.
  return subject.includes("/workloadIdentityPools/") ? "service" : "user";
}

function principal(subject: string | undefined, email: string | undefined): Omit<Actor, "session"> | undefined {
  const full = subject ?? email;
  if (full === undefined) return undefined;
  const id = full.replace(/^(?:user|serviceAccount|group):/, "");
  return { type: typeOfPrincipal(full), id, ns: GOOGLE, email: /^[^\s@/:]+@[^\s@/:]+$/.test(id) ? id : email };
}

/** Who delegated to the service account, nearest first: Google lists them in the order in which they delegated. */
function delegators(authentication: JsonObject | undefined): Actor["onBehalfOf"] {
  return listAt(authentication, "serviceAccountDelegationInfo")
    .flatMap((item) => {
      const subject = textAt(item, "principalSubject");
      const email = textAt(item, "firstPartyPrincipal", "principalEmail");
      const found = principal(subject, email);
      return found === undefined ? [] : [found];
    })
    .toReversed();
}

function credentialOf(authentication: JsonObject | undefined): Actor["credential"] {
  const key = textAt(authentication, "serviceAccountKeyName");
  if (key !== undefined) return { kind: "service_account_key", id: key };
  const client = textAt(authentication, "oauthInfo", "oauthClientId");
  return client === undefined ? undefined : { kind: "oauth_client", id: client };
}

function actorOf(payload: JsonObject, warnings: string[]): Actor {
  const authentication = objectAt(payload, "authenticationInfo");
  const found = principal(textAt(authentication, "principalSubject"), textAt(authentication, "principalEmail"));
  // Google redacts who was refused, and names nobody who came without credentials.
  if (found === undefined) warnings.push("actor:default");
  const known = found ?? { type: "unknown", id: "unknown", ns: GOOGLE };
  return { ...known, credential: credentialOf(authentication), onBehalfOf: delegators(authentication) };
}

/** Codes of google.rpc: PERMISSION_DENIED and UNAUTHENTICATED. */
const DENIED = new Set(["7", "16", "PERMISSION_DENIED", "UNAUTHENTICATED"]);

function outcomeOf(entry: JsonObject, payload: JsonObject): NativeEvent["outcome"] {
  const status = objectAt(payload, "status");
  const code = textAt(status, "code");
  const reason = textAt(status, "message");
  const isRefused = listAt(payload, "authorizationInfo").some(
    (item) => isObject(item) && toText(item["granted"])?.toLowerCase() === "false",
  );
  if (isRefused || (code !== undefined && DENIED.has(code))) return { status: "denied", code, reason };
  if (code !== undefined && code !== "0") return { status: "failure", code, reason };
  // The first of two entries of an operation that takes its time; the last one says how it ended.
  const isFirst = textAt(entry, "operation", "first") === "true" && textAt(entry, "operation", "last") !== "true";
  return isFirst && reason === undefined ? { status: "pending" } : { status: "success", code };
}

function sourceOf(payload: JsonObject): NativeEvent["source"] {
  const request = objectAt(payload, "requestMetadata");
  const from = textAt(request, "callerIp") ?? textAt(request, "callerIP");
  const address = splitAddress(from);
  return {
    ip: address?.ip,
    ipTrust: address === undefined ? undefined : "peer",
    // `private` or `gce-internal-ip`: Google's own network.
    service: address === undefined ? from : undefined,
    userAgent: textAt(request, "callerSuppliedUserAgent"),
  };
}

/** `storage` of `storage.googleapis.com`; of `compute.instances.list` where the service is missing. */
function serviceOf(payload: JsonObject, methodName: string): string {
  const given = textAt(payload, "serviceName");
  if (given === undefined) {
    return methodName.startsWith("io.k8s.")
      ? "k8s"
      : (/^(?!google\.|v\d)([a-z]+)\./.exec(methodName)?.[1] ?? "unknown");
  }
  // The serial console has a name per region.
  return given.replace(/\.(?:googleapis\.com|io)$/, "").replace(/^[a-z]+-[a-z]+\d+-/, "");
}

const dataServices = new Set([
  "storage",
  "bigquery",
  "spanner",
  "datastore",
  "firestore",
  "bigtable",
  "bigtableadmin",
  "cloudsql",
  "sqladmin",
]);

function kindOf(service: string, op: string): NativeEvent["action"]["kind"] {
  if (op === "AUTH" || op === "LOGOUT") return "auth";
  if (op === "GRANT" || op === "REVOKE" || service === "iam" || service === "iamcredentials") return "iam";
  return dataServices.has(service) ? "datastore" : "api";
}

/** Reads a Cloud Audit Log: Admin Activity, Data Access, System Event or Policy Denied. */
export function readGcpAudit({ native, entry, payload = {} }: GcpEntry, fallbackProject: string | undefined): Made {
  const time = readLooseTime(textAt(entry, "timestamp"));
  const methodName = textAt(payload, "methodName");
  const fix = "Send the entry as Cloud Logging wrote it.";
  if (methodName === undefined) return unreadable("protoPayload.methodName", "is missing", fix);
  if (time === undefined) {
    return unreadable("timestamp", Object.hasOwn(entry, "timestamp") ? "is no time" : "is missing", fix);
  }
  const warnings: string[] = time.tz === "assumed" ? ["tz:assumed"] : [];
  const service = serviceOf(payload, methodName);
  const known = gcpOp(service, methodName, payload);
  if (known === undefined) warnings.push("op:default");
  else if (known.isGuess === true) warnings.push("op:permission");
  const op = known?.op ?? "OTHER";
  const outcome = outcomeOf(entry, payload);
  const isCreated = op === "CREATE" && (outcome.status === "success" || outcome.status === "pending");
  const { resources, warning } = gcpResources(entry, payload, service, isCreated);
  if (warning !== undefined) warnings.push(warning);
  const system = gcpContainer(entry) ?? fallbackProject;
  if (system === undefined) warnings.push("system:default");
  return made({
    time: { ...time, basis: "event" },
    actor: actorOf(payload, warnings),
    action: { op, name: methodName, kind: kindOf(service, op) },
    resources,
    outcome,
    source: sourceOf(payload),
    impact: {
      objects: textAt(payload, "numResponseItems"),
      fields: textsAt(payload, "metadata", "tableDataRead", "fields"),
    },
    trace: { ...gcpTrace(entry), correlationId: textAt(entry, "operation", "id") },
    origin: { system: system ?? "gcp", nativeId: gcpNativeId(entry), warnings },
    native: maskMembers(native),
  });
}
