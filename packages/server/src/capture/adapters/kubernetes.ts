import { parseJson } from "@evident/core";
import { Type } from "typebox";
import {
  defineJsonAdapter,
  isObject,
  type JsonObject,
  type LooseTime,
  listAt,
  type Made,
  made,
  type NativeEvent,
  objectAt,
  readLooseTime,
  splitAddress,
  textAt,
  textsAt,
  unreadable,
} from "../adapt/index.ts";
import { maskAuditEvent } from "./kubernetes-mask.ts";
import { kubernetesOp, RBAC_GROUP } from "./kubernetes-ops.ts";

type ActorType = NativeEvent["actor"]["type"];

/** Components of the cluster. `system:admin` and the like are people with a certificate. */
const COMPONENT =
  /^system:(?:node:|kube-|apiserver|controller:|bootstrap:|bootstrapper|cloud-|konnectivity|aggregator|aws-)/;

function actorType(username: string): ActorType {
  if (username === "system:anonymous") return "anonymous";
  if (username.startsWith("system:serviceaccount:")) return "service";
  return COMPONENT.test(username) ? "system" : "user";
}

function readCredential(user: JsonObject | undefined): NativeEvent["actor"]["credential"] {
  const [id] = textsAt(user, "extra", "authentication.kubernetes.io/credential-id");
  if (id !== undefined) return { kind: "kubernetes", id };
  // EKS: the key of AWS that the token was made with.
  const [key] = textsAt(user, "extra", "accessKeyId");
  return key === undefined ? undefined : { kind: "access_key", id: key };
}

function readActor(value: JsonObject, ns: string): NativeEvent["actor"] | undefined {
  const user = objectAt(value, "user");
  const username = textAt(user, "username");
  if (username === undefined) return undefined;
  const acting = objectAt(value, "impersonatedUser");
  const actingName = textAt(acting, "username");
  return {
    type: actorType(username),
    id: textAt(user, "uid") ?? username,
    ns,
    name: username,
    groups: textsAt(user, "groups"),
    credential: readCredential(user),
    actingAs:
      actingName === undefined
        ? undefined
        : { type: actorType(actingName), id: textAt(acting, "uid") ?? actingName, ns, name: actingName },
  };
}

function readResource(
  value: JsonObject,
  ref: JsonObject | undefined,
  cluster: string,
): NativeEvent["resources"][number] {
  const resource = textAt(ref, "resource");
  if (resource === undefined) {
    const path = (textAt(value, "requestURI") ?? "/").replace(/[?#].*$/s, "");
    return { type: "http.path", id: path, scope: [cluster] };
  }
  const subresource = textAt(ref, "subresource");
  const kind = subresource === undefined ? resource : `${resource}.${subresource}`;
  const namespace = textAt(ref, "namespace");
  // A name that the server makes up (`generateName`) stands in its answer only.
  const own =
    textAt(ref, "name") ??
    (textAt(value, "verb") === "create" ? textAt(value, "responseObject", "metadata", "name") : undefined);
  const name = own ?? "*";
  return {
    type: `k8s.${textAt(ref, "apiGroup") ?? "core"}.${kind}`,
    id: namespace === undefined ? name : `${namespace}/${name}`,
    name: own,
    uid: textAt(ref, "uid") ?? textAt(value, "responseObject", "metadata", "uid"),
    scope: namespace === undefined ? [cluster] : [cluster, namespace],
  };
}

function readOutcome(value: JsonObject, stage: string): NativeEvent["outcome"] {
  const decision = textAt(value, "annotations", "authorization.k8s.io/decision");
  const codeText = textAt(value, "responseStatus", "code");
  const code = Number(codeText ?? Number.NaN);
  const reason = textAt(value, "responseStatus", "message") ?? textAt(value, "responseStatus", "reason");
  if (decision === "forbid" || code === 401 || code === 403) return { status: "denied", code: codeText, reason };
  if (stage === "Panic") return { status: "failure", code: codeText, reason };
  if (code >= 400) return { status: "failure", code: codeText, reason };
  if (code >= 100) return { status: "success", code: codeText };
  return { status: stage === "ResponseComplete" ? "unknown" : "pending" };
}

/** The addresses that the API server saw: the last is the peer, those before it are whatever the client wrote. */
function readSource(value: JsonObject): NativeEvent["source"] {
  const ips = textsAt(value, "sourceIPs");
  const last = ips.at(-1);
  const peer = splitAddress(last);
  return {
    ip: peer?.ip,
    ipTrust: peer === undefined ? undefined : "peer",
    via: ips.slice(0, -1),
    host: peer === undefined ? last : undefined,
    userAgent: textAt(value, "userAgent"),
  };
}

/** Paths of a JSON patch, or the members of a merge patch. */
function readFields(value: JsonObject): readonly string[] {
  if (textAt(value, "verb") !== "patch") return [];
  const patch = listAt(value, "requestObject");
  if (patch.length > 0) return patch.flatMap((step) => textAt(step, "path") ?? []);
  return Object.keys(objectAt(value, "requestObject") ?? {});
}

/** The event in a message of CloudWatch Logs, where EKS keeps them; itself elsewhere. */
function unwrap(value: JsonObject): JsonObject {
  const text = value["message"] ?? value["@message"];
  if (typeof text !== "string" || !text.includes('"audit.k8s.io/')) return value;
  const parsed = parseJson(text);
  return parsed.ok && isObject(parsed.value) ? parsed.value : value;
}

function readTimes(value: JsonObject): LooseTime | undefined {
  // Clusters before 1.12 (v1beta1) state other members.
  return readLooseTime(
    textAt(value, "requestReceivedTimestamp") ??
      textAt(value, "timestamp") ??
      textAt(value, "metadata", "creationTimestamp") ??
      textAt(value, "stageTimestamp"),
  );
}

/**
 * Audit id, stage and when the request came. The API server takes the id from the client's header `Audit-ID`: whoever sends the same one
 * every time must not make conflicts of his requests, which only quarantine would show.
 */
function readId(value: JsonObject, stage: string): string | undefined {
  const auditId = textAt(value, "auditID");
  const received = textAt(value, "requestReceivedTimestamp");
  if (auditId === undefined) return undefined;
  return received === undefined ? `${auditId}/${stage}` : `${auditId}/${stage}/${received}`;
}

/** Set by an API server that cut the bodies off, because the event was too large. */
const TRUNCATED = "audit.k8s.io/truncated";

function readRecord(value: JsonObject, cluster: string): Made {
  const ns = `k8s:${cluster}`;
  const actor = readActor(value, ns);
  if (actor === undefined)
    return unreadable("user.username", "is missing", "Send audit events at level Metadata or above.");
  const time = readTimes(value);
  if (time === undefined)
    return unreadable("requestReceivedTimestamp", "is no RFC 3339 time", "Send the record as the API server wrote it.");
  const verb = textAt(value, "verb") ?? "unknown";
  const stage = textAt(value, "stage") ?? "ResponseComplete";
  const auditId = textAt(value, "auditID");
  const ref = objectAt(value, "objectRef");
  const group = textAt(ref, "apiGroup");
  const place = { group, resource: textAt(ref, "resource") ?? "", subresource: textAt(ref, "subresource") };
  const op = kubernetesOp(verb, place);
  const resource = readResource(value, ref, cluster);
  const nameOfResource = place.resource === "" ? resource.id : resource.type.slice("k8s.".length);
  return made({
    time: { ...time, ended: readLooseTime(textAt(value, "stageTimestamp"))?.occurred, basis: "event" },
    actor,
    action: { op: op ?? "OTHER", name: `${verb} ${nameOfResource}`, kind: group === RBAC_GROUP ? "iam" : "api" },
    resources: [resource],
    outcome: readOutcome(value, stage),
    source: readSource(value),
    impact: { fields: readFields(value), truncated: textAt(value, "annotations", TRUNCATED) === "true" || undefined },
    trace: { requestId: auditId },
    origin: {
      system: cluster,
      nativeId: readId(value, stage),
      nativeVersion: textAt(value, "apiVersion"),
      warnings: [...(op === undefined ? ["op:default"] : []), ...(time.tz === "assumed" ? ["tz:assumed"] : [])],
    },
    native: maskAuditEvent(value),
  });
}

/** Audit events of the Kubernetes API server, audit.k8s.io/v1 and v1beta1: docs `tasks/debug/debug-cluster/audit`. */
export const kubernetes = defineJsonAdapter({
  name: "kubernetes",
  title: "Kubernetes audit events (audit.k8s.io v1, v1beta1)",
  wrappers: ["items", "logEvents"],
  options: Type.Object(
    {
      cluster: Type.String({
        description: "Name of the cluster: namespace of its users and scope of its resources.",
        default: "kubernetes",
        minLength: 1,
      }),
    },
    { additionalProperties: false },
  ),
  recognises(value) {
    const event = unwrap(value);
    return (
      String(event["apiVersion"]).startsWith("audit.k8s.io/") ||
      ("auditID" in event && "verb" in event && "user" in event) ||
      // Events of the cluster's own (`core/v1`) are of this kind too, but have no verb.
      (event["kind"] === "Event" && typeof event["verb"] === "string" && "objectRef" in event)
    );
  },
  prepare:
    ({ cluster }) =>
    (value) =>
      readRecord(unwrap(value), cluster),
});
