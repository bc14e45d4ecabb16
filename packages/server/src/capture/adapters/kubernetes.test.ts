import { describe, expect, it } from "vitest";
import { hasSharedData, readNative, readShared } from "../testing/index.ts";
import { kubernetes } from "./kubernetes.ts";

const exec = {
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  level: "Request",
  auditID: "8a6f4c0e-0001-4c6b-9d3f-3a1de21cd111",
  stage: "ResponseStarted",
  requestURI: "/api/v1/namespaces/pay/pods/api-0/exec?command=sh&stdin=true",
  verb: "create",
  user: { username: "jane@example.com", uid: "u-17", groups: ["ops", "system:authenticated"] },
  impersonatedUser: { username: "system:serviceaccount:pay:debug" },
  sourceIPs: ["10.1.1.1", "203.0.113.9"],
  userAgent: "kubectl/v1.34",
  objectRef: { resource: "pods", namespace: "pay", name: "api-0", apiVersion: "v1", subresource: "exec" },
  responseStatus: { metadata: {}, code: 101 },
  requestReceivedTimestamp: "2026-11-24T09:30:00.123456Z",
  stageTimestamp: "2026-11-24T09:30:00.223456Z",
  annotations: { "authorization.k8s.io/decision": "allow" },
};

describe("the Kubernetes adapter", () => {
  it("reads who ran a command in which pod, as whom and from where", async () => {
    const { events } = await readNative(kubernetes, JSON.stringify(exec), { options: { cluster: "prod-eu" } });
    expect(events[0]).toMatchObject({
      id: `${exec.auditID}/ResponseStarted`,
      time: { occurred: "2026-11-24T09:30:00.123456000Z", ended: "2026-11-24T09:30:00.223456000Z", precision: "us" },
      actor: {
        type: "user",
        id: "u-17",
        ns: "k8s:prod-eu",
        name: "jane@example.com",
        actingAs: { type: "service", id: "system:serviceaccount:pay:debug" },
      },
      action: { op: "EXECUTE", name: "create core.pods.exec", kind: "api" },
      resources: [{ type: "k8s.core.pods.exec", id: "pay/api-0", scope: ["prod-eu", "pay"] }],
      outcome: { status: "success", code: "101" },
      source: { ip: "203.0.113.9", ipTrust: "peer", via: ["10.1.1.1"], userAgent: "kubectl/v1.34" },
    });
  });

  it("reads the items of an event list, and names what makes a record unreadable", async () => {
    const list = { kind: "EventList", apiVersion: "audit.k8s.io/v1", items: [exec, { ...exec, user: {} }] };
    const { readings, events } = await readNative(kubernetes, JSON.stringify(list, null, 2));
    expect(events).toHaveLength(1);
    expect(readings[1]).toMatchObject({ kind: "unreadable", line: 2, reasons: [{ field: "user.username" }] });
  });

  it.skipIf(!hasSharedData)("reads every event of a real cluster", async () => {
    const { readings, events } = await readNative(kubernetes, readShared("kubernetes/audit2rbac_demo.log"));
    expect([readings.length, events.length]).toEqual([37, 37]);
  });
});
