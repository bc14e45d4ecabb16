import { type Person, peopleOf, services } from "../company.ts";
import { type Actor, type DemoEvent, eventHead, type Outcome } from "../demo-event.ts";
import type { Random } from "../random.ts";

interface Call {
  readonly verb: string;
  readonly op: DemoEvent["action"]["op"];
  readonly resource: string;
  readonly name: string;
}

const calls: readonly [Call, ...Call[]] = [
  { verb: "get", op: "READ", resource: "pods", name: "patient-api-6f7d9c5b4-x2x9k" },
  { verb: "list", op: "LIST", resource: "pods", name: "*" },
  { verb: "get", op: "READ", resource: "configmaps", name: "feature-flags" },
  { verb: "update", op: "UPDATE", resource: "leases", name: "scheduler" },
  { verb: "patch", op: "UPDATE", resource: "deployments", name: "billing" },
  { verb: "create", op: "CREATE", resource: "events", name: "billing.17f3" },
  { verb: "get", op: "READ", resource: "secrets", name: "patient-api-db" },
];
const controllers = [
  "system:serviceaccount:kube-system:deployment-controller",
  "system:serviceaccount:prod:patient-api",
  "system:serviceaccount:prod:billing",
  "system:kube-scheduler",
] as const;
const namespaces = ["prod", "prod", "staging", "kube-system"] as const;
const platform = peopleOf("platform");
const developers = [...peopleOf("engineering"), ...platform] as const;

export const CLUSTER = "k8s-prod";

/** A person as the cluster sees them: by the identity provider's groups. */
export function clusterUser(person: Person): Actor {
  return {
    type: "user",
    id: person.email,
    ns: CLUSTER,
    name: person.name,
    groups: person.groups.map((group) => `oidc:${group}`),
  };
}

function outcomeOf(random: Random): Outcome {
  const at = random.unit();
  if (at < 0.02) return { status: "denied", code: "403", reason: "forbidden by RBAC" };
  return at < 0.03
    ? { status: "failure", code: "409", reason: "the object has been modified" }
    : { status: "success", code: "200" };
}

/** A request to the cluster's API server, as its audit log tells it. */
export function kubernetesEvent(random: Random, atMs: number, isNight: boolean): DemoEvent {
  const call = random.pick(calls);
  const person = !isNight && random.chance(0.18) ? random.pick(developers) : undefined;
  const namespace = random.pick(namespaces);
  const controller = random.pick(controllers);
  return {
    ...eventHead(random, atMs),
    actor:
      person === undefined
        ? {
            type: controller.startsWith("system:serviceaccount") ? "service" : "system",
            id: controller,
            ns: CLUSTER,
            groups: ["system:serviceaccounts"],
          }
        : clusterUser(person),
    action: { op: call.op, name: `${call.verb} ${call.resource}`, kind: "api" },
    resources: [{ type: `k8s.${call.resource}`, id: `${namespace}/${call.name}`, scope: [CLUSTER, namespace] }],
    outcome: outcomeOf(random),
    source:
      person === undefined
        ? { ip: `10.40.0.${random.between(2, 12)}`, ipTrust: "peer", userAgent: "kube-controller-manager/v1.35.1" }
        : { ip: person.ip, ipTrust: "peer", userAgent: "kubectl/v1.35.1 (linux/amd64)" },
    trace: { requestId: random.hex(4) },
    origin: { source: "kubernetes", system: CLUSTER, adapter: "k8s-audit" },
  };
}

/** Which workload a deployment changes, for the incident that starts in a pod. */
export const podOf = { namespace: "prod", name: services.api.host } as const;
