import { describe, expect, it } from "vitest";
import {
  hasSharedData,
  type Label,
  labelsAt,
  measurePrecision,
  pantherEvents,
  readNative,
  readShared,
} from "../testing/index.ts";
import { kubernetes } from "./kubernetes.ts";

const ADMIN = "user system:admin";

function listed(resource: string, scope: string, outcome: string): Label {
  const [type = ""] = resource.split(" ");
  return [ADMIN, "LIST", `list ${type.replace("k8s.", "")}`, resource, scope, outcome, "::1"];
}

function got(path: string): Label {
  return [ADMIN, "READ", `get ${path}`, `http.path ${path}`, "kubernetes", "success", "::1"];
}

/** Lines of a real cluster's log, written from them. */
const demo: readonly (readonly [number, ...string[]])[] = [
  [1, ...listed("k8s.core.pods default/*", "kubernetes > default", "denied")],
  [2, ...listed("k8s.core.pods default/*", "kubernetes > default", "denied")],
  [3, ...listed("k8s.core.pods default/*", "kubernetes > default", "success")],
  [4, ...listed("k8s.core.pods ns1/*", "kubernetes > ns1", "denied")],
  [5, ...listed("k8s.core.pods default/*", "kubernetes > default", "denied")],
  [7, ...listed("k8s.core.nodes *", "kubernetes", "denied")],
  [8, ...listed("k8s.core.pods *", "kubernetes", "denied")],
  [9, ...listed("k8s.core.pods *", "kubernetes", "success")],
  [10, ...got("/api")],
  [12, ...got("/apis/apiregistration.k8s.io/v1beta1")],
  [26, ...got("/apis/rbac.authorization.k8s.io/v1")],
  [32, ...got("/api/v1")],
  [33, ...listed("k8s.core.pods default/*", "kubernetes > default", "success")],
  [34, ...listed("k8s.core.nodes *", "kubernetes", "denied")],
  [35, ...listed("k8s.core.pods ns1/*", "kubernetes > ns1", "denied")],
  [36, ...listed("k8s.core.configmaps ns1/*", "kubernetes > ns1", "denied")],
  [37, ...listed("k8s.core.secrets ns1/*", "kubernetes > ns1", "denied")],
];

const PHPUNIT = "/vendor/phpunit/src/Util/PHP/eval-stdin.php";
const ANONYMOUS = "anonymous system:anonymous";

/** Lines of Panther's samples of EKS. The first has no verb, the fourth no time. */
const eks: readonly (readonly [number, ...string[]])[] = [
  [
    1,
    ANONYMOUS,
    "OTHER",
    "unknown core.pods",
    "k8s.core.pods default/test-pod",
    "kubernetes > default",
    "success",
    "8.8.8.8",
  ],
  [3, ANONYMOUS, "READ", "get /version", "http.path /version", "kubernetes", "success", "44.238.138.237"],
  [4, "unreadable", "requestReceivedTimestamp"],
  [8, ANONYMOUS, "READ", `get ${PHPUNIT}`, `http.path ${PHPUNIT}`, "kubernetes", "denied", "8.216.81.10"],
];

describe.skipIf(!hasSharedData)("Kubernetes audit events labelled by hand", () => {
  it("are read as labelled in a real cluster's log", async () => {
    const input = await readNative(kubernetes, readShared("kubernetes/audit2rbac_demo.log"));
    const lines = demo.map(([line]) => line);
    expect(labelsAt(input, lines)).toEqual(demo);
    const impersonated = input.events.map(({ actor }) => actor.actingAs?.id);
    expect(new Set(impersonated)).toEqual(new Set(["bob", "alice", "system:serviceaccount:ns1:sa1"]));
    expect(input.events[0]?.time.occurred).toBe("2017-09-11T19:55:05.000000000Z");
    expect(measurePrecision(input.events)).toEqual({
      actor: 100,
      operation: 100,
      resource: 100,
      scope: 100,
      outcome: 100,
      source: 100,
    });
  });

  it("are read as labelled among a vendor's samples of EKS", async () => {
    const input = await readNative(kubernetes, pantherEvents("Amazon.EKS.Audit"));
    const lines = eks.map(([line]) => line);
    expect([input.readings.length, input.events.length]).toEqual([8, 4]);
    expect(labelsAt(input, lines)).toEqual(eks);
  });

  it("have no time among a vendor's samples of several clouds, and say so", async () => {
    const text = pantherEvents("Amazon.EKS.Audit_Azure.MonitorActivity_GCP.AuditLog").split("\n");
    const own = text.filter((line) => (JSON.parse(line) as { readonly kind?: string }).kind === "Event");
    const { readings } = await readNative(kubernetes, own.join("\n"));
    const fields = readings.map((each) => (each.kind === "unreadable" ? each.reasons[0]?.field : each.kind));
    expect(fields).toHaveLength(own.length);
    expect(new Set(fields)).toEqual(new Set(["requestReceivedTimestamp", "user.username"]));
  });
});
