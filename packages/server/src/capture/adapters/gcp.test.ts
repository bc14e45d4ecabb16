import type { AccessEvent } from "@evident/core";
import { describe, expect, it } from "vitest";
import { readNative } from "../testing/index.ts";
import { gcp } from "./gcp.ts";

type Members = Readonly<Record<string, unknown>>;

const payload = {
  "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
  serviceName: "compute.googleapis.com",
  methodName: "v1.compute.instances.insert",
  resourceName: "projects/shop/zones/eu-a/instances/web-1",
  authenticationInfo: {
    principalEmail: "deploy@shop.iam.gserviceaccount.com",
    principalSubject: "serviceAccount:deploy@shop.iam.gserviceaccount.com",
    serviceAccountKeyName: "//iam.googleapis.com/projects/shop/serviceAccounts/deploy/keys/k1",
    serviceAccountDelegationInfo: [
      { firstPartyPrincipal: { principalEmail: "jane@example.com" } },
      { principalSubject: "serviceAccount:ci@shop.iam.gserviceaccount.com" },
    ],
  },
  authorizationInfo: [
    { resource: "projects/shop/zones/eu-a/instances/web-1", permission: "compute.instances.create", granted: true },
    { resource: "projects/shop/regions/eu/subnetworks/s", permission: "compute.subnetworks.use", granted: true },
  ],
  requestMetadata: { callerIp: "203.0.113.9", callerSuppliedUserAgent: "gcloud" },
  request: { name: "web-1", secret: "hunter2" },
};
const entry = {
  logName: "projects/shop/logs/cloudaudit.googleapis.com%2Factivity",
  insertId: "i-1",
  timestamp: "2026-11-24T09:30:00.123456789Z",
  resource: { type: "gce_instance", labels: { project_id: "shop", zone: "eu-a", instance_id: "7" } },
  operation: { id: "op-1", producer: "compute.googleapis.com", first: true },
  trace: "projects/shop/traces/5b8efff798038103d269b633813fc60c",
  spanId: "eee19b7ec3c1b174",
  protoPayload: payload,
};

async function readOne(value: unknown, options: Members = {}): Promise<AccessEvent> {
  const { readings, events } = await readNative(gcp, JSON.stringify(value), { options });
  const [event] = events;
  if (event === undefined) throw new Error(JSON.stringify(readings));
  return event;
}

async function audit(changes: Members, around: Members = {}): Promise<AccessEvent> {
  return await readOne({ ...entry, operation: undefined, ...around, protoPayload: { ...payload, ...changes } });
}

describe("the Google Cloud adapter", () => {
  it("reads who did what for whom, and that an operation has only begun", async () => {
    const event = await readOne(entry);
    expect(event).toMatchObject({
      id: `${entry.logName} ${entry.timestamp} i-1`,
      time: { occurred: "2026-11-24T09:30:00.123456789Z", precision: "ns", basis: "event" },
      actor: {
        type: "service",
        id: "deploy@shop.iam.gserviceaccount.com",
        ns: "google",
        credential: { kind: "service_account_key", id: payload.authenticationInfo.serviceAccountKeyName },
        onBehalfOf: [
          { type: "service", id: "ci@shop.iam.gserviceaccount.com" },
          { type: "user", id: "jane@example.com", email: "jane@example.com" },
        ],
      },
      action: { op: "CREATE", name: "v1.compute.instances.insert", kind: "api" },
      resources: [
        { type: "gcp.compute.instance", id: payload.resourceName, scope: ["shop", "eu-a"] },
        { type: "gcp.compute.subnetwork", id: "projects/shop/regions/eu/subnetworks/s", role: "related" },
      ],
      outcome: { status: "pending" },
      source: { ip: "203.0.113.9", ipTrust: "peer", userAgent: "gcloud" },
      trace: { traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174", correlationId: "op-1" },
      origin: { system: "shop" },
    });
    expect(JSON.stringify(event)).not.toContain("hunter2");
    const done = await readOne({ ...entry, operation: { id: "op-1", last: true } });
    expect(done.outcome).toEqual({ status: "success" });
  });

  it.each([
    [{ status: {} }, "success", undefined],
    [{ status: null }, "success", undefined],
    [{ status: { code: 7, message: "PERMISSION_DENIED" } }, "denied", "7"],
    [{ status: { code: 16 } }, "denied", "16"],
    [{ status: { code: 5, message: "not found" } }, "failure", "5"],
    [{ authorizationInfo: [{ permission: "p", granted: false }] }, "denied", undefined],
    [{ authorizationInfo: [{ permission: "p", granted: "false" }] }, "denied", undefined],
  ])("takes %j as %s", async (changes, status, code) => {
    const { outcome } = await audit(changes);
    expect([outcome.status, outcome.code]).toEqual([status, code]);
  });

  it.each([
    ["user:jane@example.com", "user jane@example.com"],
    ["system:serviceaccount:pay:api", "service system:serviceaccount:pay:api"],
    ["system:node:n1", "system system:node:n1"],
    [
      "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
      "service principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
    ],
    [
      "principal://iam.googleapis.com/locations/global/workforcePools/p/subject/jane",
      "user principal://iam.googleapis.com/locations/global/workforcePools/p/subject/jane",
    ],
  ])("reads the principal %s", async (principalSubject, expected) => {
    const { actor } = await audit({ authenticationInfo: { principalSubject } });
    expect(`${actor.type} ${actor.id}`).toBe(expected);
  });

  it.each([
    ["storage", "storage.objects.get", {}, "READ"],
    ["storage", "storage.objects.create", {}, "WRITE"],
    ["storage", "storage.objects.list", {}, "LIST"],
    ["iam", "google.iam.admin.v1.SetIAMPolicy", {}, "GRANT"],
    ["iam", "SetIamPolicy", { serviceData: { policyDelta: { bindingDeltas: [{ action: "REMOVE" }] } } }, "REVOKE"],
    ["iamcredentials", "GenerateAccessToken", {}, "AUTH"],
    ["secretmanager", "google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion", {}, "READ"],
    ["bigquery", "google.cloud.bigquery.v2.JobService.InsertJob", { metadata: { tableDataRead: {} } }, "READ"],
    [
      "bigquery",
      "google.cloud.bigquery.v2.JobService.InsertJob",
      { metadata: { jobInsertion: { job: { jobConfig: { type: "EXPORT" } } } } },
      "EXPORT",
    ],
    ["k8s", "io.k8s.core.v1.pods.exec.create", {}, "EXECUTE"],
    ["k8s", "io.k8s.authorization.rbac.v1.rolebindings.delete", {}, "REVOKE"],
    ["k8s", "io.k8s.rbac.v1.clusterrolebindings.create", {}, "GRANT"],
    ["logging", "google.logging.v2.ConfigServiceV2.UpdateSink", {}, "CONFIGURE"],
  ])("knows what %s: %s does", async (service, methodName, changes, op) => {
    const event = await audit({ serviceName: `${service}.googleapis.com`, methodName, ...changes });
    expect(event.action.op).toBe(op);
    expect(event.origin.warnings).toBeUndefined();
  });

  it("takes the permission where the method says nothing, and says so", async () => {
    const guessed = await audit({ methodName: "Frobnicate" });
    expect(guessed).toMatchObject({ action: { op: "CREATE" }, origin: { warnings: ["op:permission"] } });
    const unknown = await audit({
      methodName: "Frobnicate",
      authorizationInfo: [],
      resourceName: "",
      authenticationInfo: {},
    });
    expect(unknown).toMatchObject({
      actor: { type: "unknown" },
      action: { op: "OTHER" },
      resources: [{ type: "gcp.compute.gce-instance", id: "7" }],
      origin: { warnings: ["op:default", "resource:labels", "actor:default"] },
    });
  });

  it("names what VPC Service Controls kept away, what was created, and a pod as Kubernetes does", async () => {
    const kept = await audit({
      serviceName: "storage.googleapis.com",
      methodName: "google.storage.objects.get",
      resourceName: "projects/1",
      authorizationInfo: [],
      metadata: { resourceNames: ["projects/1/buckets/b/objects/dir/x.txt"] },
    });
    expect(kept.resources).toMatchObject([
      { type: "gcp.storage.object", id: "projects/1/buckets/b/objects/dir/x.txt" },
      { type: "gcp.project", id: "projects/1", role: "related" },
    ]);
    const created = await audit({
      serviceName: "iam.googleapis.com",
      methodName: "google.iam.admin.v1.CreateServiceAccount",
      resourceName: "projects/shop",
      authorizationInfo: [],
      response: { name: "projects/shop/serviceAccounts/ci@shop" },
    });
    expect(created.resources[0]).toMatchObject({
      type: "gcp.iam.service-account",
      id: "projects/shop/serviceAccounts/ci@shop",
    });
    const pod = await audit(
      {
        serviceName: "k8s.io",
        methodName: "io.k8s.core.v1.pods.exec.create",
        resourceName: "core/v1/namespaces/pay/pods/api-0/exec",
        authorizationInfo: [],
      },
      { resource: { type: "k8s_cluster", labels: { project_id: "shop", location: "eu", cluster_name: "prod" } } },
    );
    expect(pod.resources).toEqual([
      { type: "k8s.core.pods.exec", id: "pay/api-0", name: "api-0", scope: ["shop", "eu", "prod", "pay"] },
    ]);
  });

  it("reads requests of load balancers and App Engine, with secrets in addresses masked", async () => {
    const request = {
      requestMethod: "POST",
      requestUrl: "https://shop.example/login?token=abc",
      status: 403,
      requestSize: "17",
      responseSize: "256",
      remoteIp: "198.51.100.1:4711",
      userAgent: "curl",
    };
    const event = await readOne({ ...entry, protoPayload: undefined, operation: undefined, httpRequest: request });
    expect(event).toMatchObject({
      actor: { type: "anonymous", id: "198.51.100.1", ns: "http:shop.example" },
      action: { op: "CREATE", name: "POST", kind: "http" },
      resources: [{ type: "http.path", id: "/login", scope: ["shop", "shop.example"] }],
      outcome: { status: "denied", code: "403" },
      source: { ip: "198.51.100.1", port: 4711, userAgent: "curl" },
      impact: { bytesIn: "17", bytesOut: "256" },
    });
    expect(JSON.stringify(event)).not.toContain("abc");
    const engine = {
      "@type": "type.googleapis.com/google.appengine.logging.v1.RequestLog",
      host: "shop.appspot.com",
      ip: "198.51.100.2",
      method: "GET",
      resource: "/x?y",
      status: 200,
    };
    expect(await readOne({ ...entry, operation: undefined, protoPayload: engine })).toMatchObject({
      action: { op: "READ", name: "GET" },
      resources: [{ id: "/x", scope: ["shop", "shop.appspot.com"] }],
      source: { ip: "198.51.100.2" },
    });
  });

  it("reads Access Transparency: what Google's people touched and why", async () => {
    const jsonPayload = {
      "@type": "type.googleapis.com/google.cloud.audit.TransparencyLog",
      accesses: [{ methodName: "GoogleInternal.Read", resourceName: "//googleapis.com/storage/buckets/b/objects/o" }],
      location: { principalEmployingEntity: "Google LLC", principalOfficeCountry: "US" },
      principalJobTitle: "Engineering",
      reason: [{ type: "CUSTOMER_INITIATED_SUPPORT", detail: "Case number: 7" }],
    };
    expect(await readOne({ ...entry, protoPayload: undefined, jsonPayload })).toMatchObject({
      actor: { type: "user", id: "google-personnel", name: "Engineering" },
      action: { op: "READ", name: "GoogleInternal.Read" },
      resources: [{ type: "gcp.storage.object", id: "//googleapis.com/storage/buckets/b/objects/o" }],
      outcome: { status: "success", reason: "CUSTOMER_INITIATED_SUPPORT: Case number: 7" },
      source: { service: "Google LLC" },
      origin: { warnings: ["actor:withheld"] },
    });
  });

  it("finds the same entry in a message of Pub/Sub and in a list", async () => {
    const data = Buffer.from(JSON.stringify(entry)).toString("base64");
    const push = { message: { data, messageId: "1" }, subscription: "projects/shop/subscriptions/s" };
    const list = JSON.stringify({ entries: [entry], nextPageToken: "x" });
    const plain = await readNative(gcp, JSON.stringify(entry));
    const pushed = await readNative(gcp, JSON.stringify(push));
    const listed = await readNative(gcp, list);
    expect(pushed.events).toEqual(plain.events);
    expect(listed.events).toEqual(plain.events);
  });

  it("reads times without a zone and names in small letters, as data lakes store them", async () => {
    const { logName, insertId, protoPayload, ...rest } = entry;
    const lake = {
      ...rest,
      logname: logName,
      insertid: insertId,
      protopayload: protoPayload,
      timestamp: "2026-11-24 09:30:00.5",
    };
    expect(await readOne(lake)).toMatchObject({
      time: { occurred: "2026-11-24T09:30:00.500000000Z", tz: "assumed" },
      action: { op: "CREATE" },
      origin: { warnings: ["tz:assumed"] },
    });
  });

  it("names what makes an entry unreadable, and passes over what is no access", async () => {
    const lines = [
      { ...entry, timestamp: undefined },
      { ...entry, timestamp: "yesterday" },
      { ...entry, protoPayload: { ...payload, methodName: 7 } },
      { ...entry, protoPayload: { ...payload, methodName: undefined } },
      { ...entry, protoPayload: undefined, httpRequest: {} },
      { ...entry, protoPayload: undefined, textPayload: "started" },
      { ...entry, protoPayload: undefined, jsonPayload: { connection: {} } },
    ];
    const text = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n${JSON.stringify(entry).slice(0, 200)}`;
    const { readings } = await readNative(gcp, text);
    const told = readings.map((reading) => (reading.kind === "unreadable" ? reading.reasons[0]?.field : reading.kind));
    expect(told).toEqual([
      "timestamp",
      "timestamp",
      "event",
      "protoPayload.methodName",
      "httpRequest",
      "skipped",
      "skipped",
      "",
    ]);
  });

  it("survives hostile values", async () => {
    const hostile = JSON.parse(
      '{"authenticationInfo":{"__proto__":{"principalEmail":"root@x"},"serviceAccountDelegationInfo":[1,{"firstPartyPrincipal":"x"}]},"authorizationInfo":[null,7,{"resource":{}}],"resourceName":["x"],"requestMetadata":"x","status":[],"metadata":{"resourceNames":"x"}}',
    ) as Members;
    const event = await audit({ ...hostile, resourceName: `projects/${"x/".repeat(3_000)}y` });
    expect(event.actor.type).toBe("unknown");
    expect(event.origin.warnings).toContain("cut:resources.id");
  });

  it("recognises its entries only", () => {
    const recognises = (value: unknown): boolean =>
      gcp.recognises({ text: JSON.stringify(value), json: () => ({ ok: true, value }) } as never);
    expect(recognises(entry)).toBe(true);
    const activity = { metadata: { "@type": "type.googleapis.com/ccc_hosted_reporting.ActivityProto" } };
    expect(recognises({ ...entry, protoPayload: activity })).toBe(false);
    expect(recognises({ resource: {}, scope: {}, logRecord: {} })).toBe(false);
    expect(recognises({ eventSource: "s3.amazonaws.com", eventName: "GetObject" })).toBe(false);
  });
});
