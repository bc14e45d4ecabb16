import type { Op } from "@evident/core";
import { Type } from "typebox";
import {
  defineJsonAdapter,
  type JsonObject,
  listAt,
  type Made,
  made,
  type NativeEvent,
  objectAt,
  readTime,
  textAt,
  textsAt,
  unreadable,
} from "../adapt/index.ts";

const ops: Readonly<Record<string, Op>> = {
  get: "READ",
  head: "READ",
  list: "LIST",
  watch: "LIST",
  create: "CREATE",
  update: "UPDATE",
  patch: "UPDATE",
  delete: "DELETE",
  deletecollection: "DELETE",
  // Verbs of requests that name no resource are HTTP methods.
  post: "CREATE",
  put: "WRITE",
  options: "OTHER",
  // Verbs of the RBAC resources themselves.
  bind: "GRANT",
  escalate: "GRANT",
  impersonate: "AUTH",
  approve: "GRANT",
  sign: "GRANT",
};

/** What a verb means on a subresource that runs something or proves somebody's identity. */
const subresourceOps: Readonly<Record<string, Op>> = {
  "pods/exec": "EXECUTE",
  "pods/attach": "EXECUTE",
  "pods/portforward": "EXECUTE",
  "pods/proxy": "EXECUTE",
  "services/proxy": "EXECUTE",
  "nodes/proxy": "EXECUTE",
  "pods/log": "READ",
  "serviceaccounts/token": "AUTH",
  tokenreviews: "AUTH",
};
const rbac = "rbac.authorization.k8s.io";
const bindings = new Set(["rolebindings", "clusterrolebindings"]);
/** Reviews ask a question; nothing is created. */
const reviews = new Set([
  "subjectaccessreviews",
  "selfsubjectaccessreviews",
  "localsubjectaccessreviews",
  "selfsubjectrulesreviews",
]);

function opOf(verb: string, ref: JsonObject | undefined): { readonly op: Op; readonly warning?: string } {
  const resource = textAt(ref, "resource") ?? "";
  const subresource = textAt(ref, "subresource");
  const place = subresource === undefined ? resource : `${resource}/${subresource}`;
  const special = subresourceOps[place];
  if (special !== undefined && verb !== "delete") return { op: special };
  if (reviews.has(resource)) return { op: "READ" };
  if (textAt(ref, "apiGroup") === rbac && bindings.has(resource)) {
    if (verb === "delete" || verb === "deletecollection") return { op: "REVOKE" };
    if (verb === "create" || verb === "update" || verb === "patch") return { op: "GRANT" };
  }
  const op = ops[verb];
  return op === undefined ? { op: "OTHER", warning: "op:default" } : { op };
}

type ActorType = NativeEvent["actor"]["type"];

function actorType(username: string): ActorType {
  if (username === "system:anonymous") return "anonymous";
  if (username.startsWith("system:serviceaccount:")) return "service";
  return username.startsWith("system:") ? "system" : "user";
}

function readActor(value: JsonObject, ns: string): NativeEvent["actor"] | undefined {
  const user = objectAt(value, "user");
  const username = textAt(user, "username");
  if (username === undefined) return undefined;
  const acting = objectAt(value, "impersonatedUser");
  const actingName = textAt(acting, "username");
  const [credential] = textsAt(user, "extra", "authentication.kubernetes.io/credential-id");
  return {
    type: actorType(username),
    id: textAt(user, "uid") ?? username,
    ns,
    name: username,
    groups: textsAt(user, "groups"),
    credential: credential === undefined ? undefined : { kind: "kubernetes", id: credential },
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
  const name = textAt(ref, "name") ?? "*";
  return {
    type: `k8s.${textAt(ref, "apiGroup") ?? "core"}.${kind}`,
    id: namespace === undefined ? name : `${namespace}/${name}`,
    name: textAt(ref, "name"),
    uid: textAt(ref, "uid"),
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
  return {
    ip: ips.at(-1),
    ipTrust: ips.length === 0 ? undefined : "peer",
    via: ips.slice(0, -1),
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

function readRecord(value: JsonObject, cluster: string): Made {
  const ns = `k8s:${cluster}`;
  const actor = readActor(value, ns);
  if (actor === undefined)
    return unreadable("user.username", "is missing", "Send audit events at level Metadata or above.");
  // Clusters before 1.12 (v1beta1) state other members.
  const time = readTime(
    textAt(value, "requestReceivedTimestamp") ??
      textAt(value, "timestamp") ??
      textAt(value, "metadata", "creationTimestamp"),
  );
  if (time === undefined)
    return unreadable("requestReceivedTimestamp", "is no RFC 3339 time", "Send the record as the API server wrote it.");
  const verb = textAt(value, "verb") ?? "unknown";
  const stage = textAt(value, "stage") ?? "ResponseComplete";
  const auditId = textAt(value, "auditID");
  const ref = objectAt(value, "objectRef");
  const { op, warning } = opOf(verb, ref);
  const resource = readResource(value, ref, cluster);
  const nameOfResource = ref === undefined ? resource.id : resource.type.slice("k8s.".length);
  return made({
    time: { ...time, ended: readTime(textAt(value, "stageTimestamp"))?.occurred, basis: "event" },
    actor,
    action: { op, name: `${verb} ${nameOfResource}`, kind: textAt(ref, "apiGroup") === rbac ? "iam" : "api" },
    resources: [resource],
    outcome: readOutcome(value, stage),
    source: readSource(value),
    impact: { fields: readFields(value) },
    trace: { requestId: auditId },
    origin: {
      system: cluster,
      nativeId: auditId === undefined ? undefined : `${auditId}/${stage}`,
      nativeVersion: textAt(value, "apiVersion"),
      warnings: warning === undefined ? undefined : [warning],
    },
    native: value,
  });
}

/** Audit events of the Kubernetes API server, audit.k8s.io/v1 and v1beta1: docs `tasks/debug/debug-cluster/audit`. */
export const kubernetes = defineJsonAdapter({
  name: "kubernetes",
  title: "Kubernetes audit events (audit.k8s.io v1, v1beta1)",
  wrappers: ["items"],
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
  recognises: (value) =>
    String(value["apiVersion"]).startsWith("audit.k8s.io/") ||
    ("auditID" in value && "verb" in value && "user" in value),
  prepare:
    ({ cluster }) =>
    (value) =>
      readRecord(value, cluster),
});
