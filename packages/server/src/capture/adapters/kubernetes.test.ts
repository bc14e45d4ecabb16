import type { AccessEvent } from "@evident/core";
import { describe, expect, it } from "vitest";
import { readNative } from "../testing/index.ts";
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

async function readOne(changes: Readonly<Record<string, unknown>>): Promise<AccessEvent> {
  const { readings, events } = await readNative(kubernetes, JSON.stringify({ ...exec, ...changes }));
  const [event] = events;
  if (event === undefined) throw new Error(JSON.stringify(readings));
  return event;
}

describe("the Kubernetes adapter", () => {
  it("tells requests apart that a client gave the same Audit-ID", async () => {
    const first = await readOne({});
    const again = await readOne({});
    const other = await readOne({ verb: "delete", requestReceivedTimestamp: "2026-11-24T09:30:00.123457Z" });
    expect(again.id).toBe(first.id);
    expect(other.id).not.toBe(first.id);
    expect(other.trace?.requestId).toBe(first.trace?.requestId);
  });

  it("reads who ran a command in which pod, as whom and from where", async () => {
    const { events } = await readNative(kubernetes, JSON.stringify(exec), { options: { cluster: "prod-eu" } });
    expect(events[0]).toMatchObject({
      id: `${exec.auditID}/ResponseStarted/${exec.requestReceivedTimestamp}`,
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

  it.each([
    ["create", { resource: "rolebindings", apiGroup: "rbac.authorization.k8s.io" }, "GRANT"],
    ["delete", { resource: "clusterrolebindings", apiGroup: "rbac.authorization.k8s.io" }, "REVOKE"],
    ["create", { resource: "roles", apiGroup: "rbac.authorization.k8s.io" }, "CREATE"],
    ["create", { resource: "tokenreviews", apiGroup: "authentication.k8s.io" }, "AUTH"],
    ["create", { resource: "serviceaccounts", subresource: "token" }, "AUTH"],
    ["create", { resource: "selfsubjectaccessreviews", apiGroup: "authorization.k8s.io" }, "READ"],
    ["update", { resource: "certificatesigningrequests", subresource: "approval" }, "GRANT"],
    ["create", { resource: "pods", subresource: "eviction" }, "DELETE"],
    ["get", { resource: "pods", subresource: "exec" }, "EXECUTE"],
    ["get", { resource: "pods", subresource: "log" }, "READ"],
    ["watch", { resource: "secrets" }, "LIST"],
    ["patch", { resource: "deployments", apiGroup: "apps" }, "UPDATE"],
    ["deletecollection", { resource: "pods" }, "DELETE"],
  ])("knows what %s on %j does", async (verb, objectRef, op) => {
    const event = await readOne({ verb, objectRef });
    expect(event.action.op).toBe(op);
    expect(event.origin.warnings).toBeUndefined();
  });

  it.each([
    ["system:anonymous", "anonymous"],
    ["system:serviceaccount:pay:api", "service"],
    ["system:node:n1", "system"],
    ["system:kube-scheduler", "system"],
    ["system:apiserver", "system"],
    ["system:admin", "user"],
    ["jane@example.com", "user"],
  ])("takes %s as a %s", async (username, type) => {
    const { actor } = await readOne({ user: { username } });
    expect([actor.type, actor.id]).toEqual([type, username]);
  });

  it.each([
    [{ stage: "RequestReceived", responseStatus: undefined }, "pending"],
    [{ stage: "Panic", responseStatus: { code: 500 } }, "failure"],
    [{ stage: "ResponseComplete", responseStatus: { code: 401 } }, "denied"],
    [{ stage: "ResponseComplete", responseStatus: { code: 409 } }, "failure"],
    [{ stage: "ResponseComplete", responseStatus: undefined }, "unknown"],
    [{ annotations: { "authorization.k8s.io/decision": "forbid" }, responseStatus: undefined }, "denied"],
  ])("takes %j as %s", async (changes, status) => {
    expect((await readOne(changes)).outcome.status).toBe(status);
  });

  it("never keeps what Secrets hold, tokens, or passwords in the environment of containers", async () => {
    const secret = {
      kind: "Secret",
      data: { password: "aHVudGVyMg==" },
      stringData: { token: "hunter2" },
      metadata: {
        name: "db",
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"aHVudGVyMg=="}}' },
      },
    };
    const held = await readOne({
      verb: "create",
      objectRef: { resource: "secrets", namespace: "pay", name: "db" },
      requestObject: secret,
      responseObject: { kind: "SecretList", items: [secret] },
    });
    expect(JSON.stringify(held)).not.toMatch(/aHVudGVyMg|hunter2/);
    expect(held.native).toMatchObject({ requestObject: { data: { password: "***" }, metadata: { name: "db" } } });
    const patched = await readOne({
      verb: "patch",
      objectRef: { resource: "secrets", name: "db" },
      requestObject: [{ op: "replace", path: "/data/password", value: "aHVudGVyMg==" }],
    });
    expect(JSON.stringify(patched)).not.toContain("aHVudGVyMg");
    expect(patched.impact?.fields).toEqual(["/data/password"]);
    const env = [
      { name: "DB_PASSWORD", value: "hunter2" },
      { name: "MODE", value: "fast" },
    ];
    const pod = await readOne({
      requestObject: { spec: { containers: [{ env }] } },
      responseObject: { status: { token: "hunter2" } },
    });
    expect(JSON.stringify(pod)).not.toContain("hunter2");
    expect(JSON.stringify(pod)).toContain("fast");
  });

  it("takes the name that the server made up, the key of AWS, and a message of CloudWatch Logs", async () => {
    const made = await readOne({
      verb: "create",
      objectRef: { resource: "pods", namespace: "pay" },
      responseObject: { metadata: { name: "job-x7", uid: "u-1" } },
      user: { username: "jane", extra: { accessKeyId: ["ASIA1"] } },
    });
    expect(made.resources[0]).toMatchObject({ id: "pay/job-x7", uid: "u-1" });
    expect(made.impact).toBeUndefined();
    const cut = await readOne({ annotations: { "audit.k8s.io/truncated": "true" } });
    expect(cut.impact).toEqual({ truncated: true });
    expect(made.actor.credential).toEqual({ kind: "access_key", id: "ASIA1" });
    const plain = await readNative(kubernetes, JSON.stringify(exec));
    const message = JSON.stringify({ id: "1", timestamp: 1, message: JSON.stringify(exec) });
    expect((await readNative(kubernetes, message)).events).toEqual(plain.events);
  });

  it("warns of a verb it does not know, whatever it is called", async () => {
    for (const verb of ["frobnicate", "constructor", "__proto__"]) {
      const event = await readOne({ verb });
      expect(event).toMatchObject({ action: { op: "EXECUTE" } });
      const other = await readOne({ verb, objectRef: { resource: "constructor" } });
      expect(other).toMatchObject({ action: { op: "OTHER" }, origin: { warnings: ["op:default"] } });
    }
  });

  it("names what makes a record unreadable, and reads on", async () => {
    const lines = [
      { ...exec, requestReceivedTimestamp: "soon", stageTimestamp: undefined },
      { ...exec, user: "jane" },
      exec,
    ];
    const text = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n${JSON.stringify(exec).slice(0, 200)}`;
    const { readings } = await readNative(kubernetes, text);
    const told = readings.map((reading) => (reading.kind === "unreadable" ? reading.reasons[0]?.field : reading.kind));
    expect(told).toEqual(["requestReceivedTimestamp", "user.username", "event", ""]);
  });
});
