import type { Op } from "@evident/core";

const verbs: ReadonlyMap<string, Op> = new Map([
  ["get", "READ"],
  ["head", "READ"],
  ["list", "LIST"],
  ["watch", "LIST"],
  ["create", "CREATE"],
  ["update", "UPDATE"],
  ["patch", "UPDATE"],
  ["delete", "DELETE"],
  ["deletecollection", "DELETE"],
  // Verbs of requests that name no resource are HTTP methods.
  ["post", "CREATE"],
  ["put", "WRITE"],
  ["options", "OTHER"],
  // Verbs of the RBAC resources themselves.
  ["bind", "GRANT"],
  ["escalate", "GRANT"],
  ["impersonate", "AUTH"],
  ["approve", "GRANT"],
  ["sign", "GRANT"],
]);

/** What any verb but `delete` means on a resource that runs something, proves an identity or grants. */
const places: ReadonlyMap<string, Op> = new Map([
  ["pods/exec", "EXECUTE"],
  ["pods/attach", "EXECUTE"],
  ["pods/portforward", "EXECUTE"],
  ["pods/proxy", "EXECUTE"],
  ["services/proxy", "EXECUTE"],
  ["nodes/proxy", "EXECUTE"],
  ["pods/ephemeralcontainers", "EXECUTE"],
  // Evicting a pod ends it.
  ["pods/eviction", "DELETE"],
  ["pods/log", "READ"],
  ["serviceaccounts/token", "AUTH"],
  ["tokenreviews", "AUTH"],
  ["certificatesigningrequests/approval", "GRANT"],
  // Reviews ask a question; nothing is created.
  ["subjectaccessreviews", "READ"],
  ["selfsubjectaccessreviews", "READ"],
  ["localsubjectaccessreviews", "READ"],
  ["selfsubjectrulesreviews", "READ"],
  ["selfsubjectreviews", "READ"],
]);

/** API group of roles and bindings. */
export const RBAC_GROUP = "rbac.authorization.k8s.io";
const bindings = new Set(["rolebindings", "clusterrolebindings"]);

/** What a request is about. */
export interface KubernetesPlace {
  readonly group?: string | undefined;
  readonly resource: string;
  readonly subresource?: string | undefined;
}

/** What a verb of the Kubernetes API does to a resource; undefined for a verb that is not known. */
export function kubernetesOp(verb: string, { group, resource, subresource }: KubernetesPlace): Op | undefined {
  const special = places.get(subresource === undefined ? resource : `${resource}/${subresource}`);
  if (special !== undefined && verb !== "delete") return special;
  if (group === RBAC_GROUP && bindings.has(resource)) {
    if (verb === "delete" || verb === "deletecollection") return "REVOKE";
    if (verb === "create" || verb === "update" || verb === "patch") return "GRANT";
  }
  return verbs.get(verb);
}
