import { peopleOf } from "../company.ts";
import { type DemoEvent, eventHead } from "../demo-event.ts";
import { CLUSTER, clusterUser, podOf } from "../traffic/index.ts";
import { type Incident, ScriptClock } from "./incident.ts";

const steps = [
  { op: "LIST", name: "list pods", type: "k8s.pods", id: "prod/*", command: undefined },
  { op: "EXECUTE", name: "create pods/exec", type: "k8s.pods", id: `prod/${podOf.name}`, command: ["sh"] },
  { op: "EXECUTE", name: "create pods/exec", type: "k8s.pods", id: `prod/${podOf.name}`, command: ["sh", "-c", "env"] },
  { op: "READ", name: "get secrets", type: "k8s.secrets", id: "prod/patient-api-db", command: undefined },
  {
    op: "EXECUTE",
    name: "create pods/exec",
    type: "k8s.pods",
    id: `prod/${podOf.name}`,
    command: ["psql", "-c", "COPY public.patients TO STDOUT"],
  },
  { op: "DELETE", name: "delete events", type: "k8s.events", id: "prod/*", command: undefined },
] as const;

/** A developer opens a shell in a production pod late on a working day and takes the database's content out through it. */
export const podExec: Incident = {
  name: "kubectl exec into production",
  summary:
    "a shell in a production pod, the database's secret is read, patients are copied out through it, traces are deleted",
  search: 'action.name:"create pods/exec"',
  hour: 18,
  script(random, startMs, pace) {
    const clock = new ScriptClock(random, startMs, pace);
    const person = random.pick(peopleOf("engineering"));
    return steps.map(
      ({ op, name, type, id, command }): DemoEvent => ({
        ...eventHead(random, clock.after(35)),
        actor: clusterUser(person),
        action: { op, name, kind: "api" },
        resources: [{ type, id, scope: [CLUSTER, podOf.namespace] }],
        outcome: { status: "success", code: "101" },
        source: { ip: person.ip, ipTrust: "peer", userAgent: "kubectl/v1.35.1 (darwin/arm64) kubernetes/0b1e9c2" },
        trace: { requestId: random.hex(8) },
        origin: {
          source: "kubernetes",
          system: CLUSTER,
          adapter: "k8s-audit",
          nativeId: random.hex(8),
          nativeVersion: "audit.k8s.io/v1",
        },
        labels: ["privileged"],
        detail: {
          level: "Request",
          ...(command === undefined ? {} : { command, container: "patient-api", tty: true }),
        },
      }),
    );
  },
};
