import { describe, expect, it } from "vitest";
import { hasSharedData, labelsAt, measurePrecision, pantherEvents, readNative } from "../testing/index.ts";
import { azureActivity } from "./azure-activity.ts";
import { kubernetes } from "./kubernetes.ts";

const vm = "/subscriptions/sub-1/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/vm1";
const oid = "http://schemas.microsoft.com/identity/claims/objectidentifier";
const upn = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";

/** As a diagnostic setting sends it. */
const sent = {
  time: "2026-11-24T09:30:00.1234567Z",
  resourceId: vm.toUpperCase(),
  operationName: "MICROSOFT.COMPUTE/VIRTUALMACHINES/DEALLOCATE/ACTION",
  category: "Administrative",
  resultType: "Start",
  resultSignature: "Started.",
  callerIpAddress: "203.0.113.9",
  correlationId: "c-1",
  tenantId: "t-1",
  identity: {
    authorization: { scope: vm, action: "Microsoft.Compute/virtualMachines/deallocate/action" },
    claims: { [oid]: "o-1", [upn]: "ada@example.com", name: "Ada", appid: "portal", uti: "u-1", groups: "g1,g2" },
  },
  level: "Information",
};
/** As the REST API gives it. */
const given = {
  eventTimestamp: "2026-11-24T09:30:00.1234567Z",
  submissionTimestamp: "2026-11-24T09:31:00Z",
  eventDataId: "e-1",
  operationName: {
    value: "Microsoft.Authorization/roleAssignments/write",
    localizedValue: "Rollenzuweisung erstellen",
  },
  category: { value: "Administrative", localizedValue: "Verwaltung" },
  status: { value: "Succeeded", localizedValue: "Erfolgreich" },
  subStatus: { value: "Created", localizedValue: "Erstellt (HTTP-Statuscode: 201)" },
  caller: "ada@example.com",
  claims: { [oid]: "o-1", idtyp: "user" },
  authorization: { action: "Microsoft.Authorization/roleAssignments/write", scope: vm },
  httpRequest: { clientIpAddress: "203.0.113.9", method: "PUT", clientRequestId: "r-1" },
  resourceId: `${vm}/providers/Microsoft.Authorization/roleAssignments/ra-1`,
  correlationId: "c-2",
  tenantId: "t-1",
};

async function readOne(record: unknown): Promise<Awaited<ReturnType<typeof readNative>>["events"][number] | undefined> {
  return (await readNative(azureActivity, JSON.stringify(record))).events[0];
}

describe("the Azure Activity adapter", () => {
  it("reads what a diagnostic setting sends", async () => {
    expect(await readOne(sent)).toMatchObject({
      time: { occurred: "2026-11-24T09:30:00.123456700Z", precision: "ns", basis: "event" },
      actor: {
        type: "user",
        id: "o-1",
        ns: "azure:t-1",
        name: "Ada",
        email: "ada@example.com",
        groups: ["g1", "g2"],
        credential: { kind: "application", id: "portal" },
      },
      action: { op: "EXECUTE", name: sent.operationName, kind: "api" },
      resources: [
        {
          type: "azure.microsoft.compute/virtualmachines",
          id: sent.resourceId,
          name: "VM1",
          scope: ["t-1", "SUB-1", "WEB"],
        },
      ],
      outcome: { status: "pending", code: "Started." },
      source: { ip: "203.0.113.9", ipTrust: "peer" },
      trace: { correlationId: "c-1" },
      origin: { system: "SUB-1" },
    });
  });

  it("reads what the REST API gives, wrapped in value, and what an event hub holds, wrapped in records", async () => {
    const { events } = await readNative([azureActivity], JSON.stringify({ value: [given], nextLink: "https://x" }));
    expect(events[0]).toMatchObject({
      id: "e-1",
      actor: { type: "user", id: "o-1", email: "ada@example.com" },
      action: { op: "GRANT", name: "Microsoft.Authorization/roleAssignments/write", kind: "iam" },
      resources: [
        { type: "azure.microsoft.authorization/roleassignments", name: "ra-1", scope: ["t-1", "sub-1", "web"] },
      ],
      outcome: { status: "success", code: "Created" },
      source: { ip: "203.0.113.9" },
      trace: { requestId: "r-1", correlationId: "c-2" },
    });
    const hub = `${JSON.stringify({ records: [sent, sent] })}\n${JSON.stringify({ records: [sent] })}`;
    expect((await readNative([azureActivity], hub)).events).toHaveLength(3);
  });

  it("tells applications from people", async () => {
    expect((await readOne({ ...sent, identity: { claims: { appid: "a-1" } } }))?.actor).toMatchObject({
      type: "service",
      id: "a-1",
    });
    const evidence = {
      authorization: { evidence: { principalType: "ServicePrincipal" } },
      claims: { oid: "o-2", appid: "a-1" },
    };
    expect((await readOne({ ...sent, identity: evidence }))?.actor).toMatchObject({ type: "service", id: "o-2" });
    const nobody = await readOne({ ...sent, identity: undefined });
    expect([nobody?.actor.type, nobody?.origin.warnings]).toEqual(["unknown", ["actor:default"]]);
    const named = await readOne({ ...sent, identity: { claims: { name: "Ada" } } });
    expect([named?.actor.id, named?.origin.warnings]).toEqual(["Ada", ["actor:name"]]);
  });

  it.each([
    ["Microsoft.Storage/storageAccounts/listKeys/action", "READ"],
    ["Microsoft.Compute/disks/beginGetAccess/action", "EXPORT"],
    ["Microsoft.Compute/snapshots/read", "READ"],
    ["Microsoft.Compute/snapshots/write", "WRITE"],
    ["Microsoft.KeyVault/vaults/keys/purge/action", "DELETE"],
    ["Microsoft.KeyVault/vaults/accessPolicies/write", "GRANT"],
    ["Microsoft.Authorization/elevateAccess/action", "GRANT"],
    ["Microsoft.Insights/diagnosticSettings/write", "CONFIGURE"],
    ["Microsoft.Insights/diagnosticSettings/delete", "DELETE"],
    ["Microsoft.Storage/storageAccounts/regenerateKey/action", "UPDATE"],
  ])("knows that %s is %s", async (operationName, op) => {
    expect((await readOne({ ...sent, operationName }))?.action.op).toBe(op);
  });

  it.each([
    [{ resultType: "Failure", resultSignature: "Failed.Forbidden" }, "denied"],
    [{ resultType: "Failed", resultSignature: "403" }, "denied"],
    [{ resultType: "Failed", resultSignature: "409" }, "failure"],
    [
      { resultType: "Failed", properties: { statusMessage: '{"error":{"code":"RequestDisallowedByPolicy"}}' } },
      "denied",
    ],
    [{ resultType: "Accept" }, "pending"],
    [{ resultType: "Success" }, "success"],
    [{ resultType: "Perhaps" }, "unknown"],
    [{ operationName: "Microsoft.Authorization/policies/deny/action", resultType: "Success" }, "denied"],
  ])("takes %j as %s", async (change, status) => {
    expect((await readOne({ ...sent, ...change }))?.outcome.status).toBe(status);
  });

  it("reads accesses to stored objects, without the signature that gave access", async () => {
    const event = await readOne({
      time: sent.time,
      category: "StorageRead",
      operationName: "GetBlob",
      statusCode: 200,
      callerIpAddress: "203.0.113.9:4711",
      uri: "https://acme.blob.core.windows.net/backups/all.zip?sv=1&sig=abc%2B123",
      identity: { type: "Anonymous" },
      properties: { accountName: "acme", objectKey: "/acme/backups/all.zip", responseBodySize: 1234 },
    });
    expect(event).toMatchObject({
      actor: { type: "anonymous", id: "203.0.113.9" },
      action: { op: "READ", kind: "file" },
      resources: [{ type: "azure.blob", id: "/acme/backups/all.zip", scope: ["acme"] }],
      outcome: { status: "success", code: "200" },
      source: { ip: "203.0.113.9", port: 4711 },
      impact: { bytesOut: "1234" },
      native: { uri: "https://acme.blob.core.windows.net/backups/all.zip?sv=1&sig=***" },
    });
  });

  it("reads what the API server of a cluster wrote as that server's event", async () => {
    const log = JSON.stringify({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      auditID: "a-1",
      stage: "ResponseComplete",
      verb: "delete",
      user: { username: "ada@example.com" },
      objectRef: { resource: "secrets", namespace: "pay", name: "db" },
      responseStatus: { code: 403 },
      sourceIPs: ["203.0.113.9"],
      requestReceivedTimestamp: "2026-11-24T09:30:00.123456Z",
    });
    const resourceId = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/PROD";
    const record = {
      time: sent.time,
      category: "kube-audit",
      operationName: "x/y/Read",
      resourceId,
      properties: { log },
    };
    expect(await readOne(record)).toMatchObject({
      id: "a-1/ResponseComplete/2026-11-24T09:30:00.123456Z",
      actor: { ns: "k8s:PROD", id: "ada@example.com" },
      action: { op: "DELETE" },
      outcome: { status: "denied" },
      origin: { adapter: "azure-activity", system: "PROD" },
    });
    const { readings } = await readNative(
      azureActivity,
      JSON.stringify({ ...record, properties: { log: '{"kind":"Ev' } }),
    );
    expect(readings[0]?.kind).toBe("unreadable");
  });

  it("skips what is no access, and names what makes a record unreadable", async () => {
    const lines = [
      { ...sent, category: "ServiceHealth" },
      { ...sent, category: { value: "Autoscale" } },
      { ...sent, category: "kube-scheduler" },
      { ...sent, operationName: null },
      { ...sent, time: 12 },
      { ...sent, category: "kube-audit", properties: 3 },
    ].map((record) => JSON.stringify(record));
    const { readings } = await readNative(azureActivity, [...lines, '{"time":"2026'].join("\n"));
    const what = readings.map((reading) => (reading.kind === "unreadable" ? reading.reasons[0]?.field : reading.kind));
    expect(what).toEqual(["skipped", "skipped", "skipped", "operationName", "time", "properties.log", ""]);
  });

  it("survives hostile records", async () => {
    const line = JSON.stringify({
      ...sent,
      resourceId: `/providers/${"x/".repeat(3_000)}`,
      identity: [1],
      claims: "x",
    });
    const hostile = line.replace('"level"', '"__proto__":{"category":"x"},"level"');
    const { events } = await readNative(azureActivity, hostile);
    expect(events[0]?.origin.warnings).toEqual(["actor:default", "cut:resources.type", "cut:resources.id"]);
  });
});

const T = "87654321-4321-4321-4321-111111111111";
const S = "12345678-1234-1234-1234-123456789abc";
const at = (group: string, rest: string, s = S): string =>
  `/subscriptions/${s}/resourceGroups/${group}/providers/${rest}`;
const U = "unknown unknown";

/** Written from the raw records before the adapter had read them. */
// biome-ignore format: one record a line
const labels = [
  [1, U, "DELETE", "Microsoft.Insights/alertRules/delete", `azure.microsoft.insights/alertrules ${at("myresourcegroup", "Microsoft.Insights/alertRules/myalert")}`, `${T} > ${S} > myresourcegroup`, "success", "1.1.1.1"],
  [2, U, "DELETE", "Microsoft.Insights/metricAlerts/delete", `azure.microsoft.insights/metricalerts ${at("prod-rg", "Microsoft.Insights/metricAlerts/cpualert")}`, `${T} > ${S} > prod-rg`, "success", "1.2.3.4"],
  [5, U, "WRITE", "MICROSOFT.SECURITY/ALERTSSUPPRESSIONRULES/WRITE", `azure.microsoft.security/alertssuppressionrules /subscriptions/${S}/providers/Microsoft.Security/alertsSuppressionRules/SuppressFalsePositives`, `${T} > ${S}`, "success", "1.1.1.1"],
  [11, U, "EXECUTE", "MICROSOFT.AUTOMATION/AUTOMATIONACCOUNTS/WEBHOOKS/ACTION", `azure.microsoft.automation/automationaccounts/webhooks ${at("automation-rg", "Microsoft.Automation/automationAccounts/my-automation/webhooks/malicious-webhook")}`, `${T} > ${S} > automation-rg`, "success", "1.1.1.1"],
  [18, U, "DELETE", "MICROSOFT.EVENTHUB/NAMESPACES/EVENTHUBS/DELETE", `azure.microsoft.eventhub/namespaces/eventhubs ${at("logging-rg", "Microsoft.EventHub/namespaces/security-logs-hub/eventhubs/siem-events")}`, `${T} > ${S} > logging-rg`, "success", "1.1.1.1"],
  [24, U, "DELETE", "Microsoft.KeyVault/vaults/keys/purge/action", `azure.microsoft.keyvault/vaults/keys ${at("myresourcegroup", "Microsoft.KeyVault/vaults/mykeyvault/keys/mykey")}`, `${T} > ${S} > myresourcegroup`, "success", "1.1.1.1"],
  [30, `service ${S}`, "READ", "Microsoft.KeyVault/vaults/secrets/getSecret/action", `azure.microsoft.keyvault/vaults/secrets ${at("myresourcegroup", "Microsoft.KeyVault/vaults/myvault/secrets/database-password")}`, `${T} > ${S} > myresourcegroup`, "success", "1.1.1.1"],
  [31, "service 87654321-4321-4321-4321-123456789abc", "UPDATE", "Microsoft.KeyVault/vaults/secrets/recover/action", `azure.microsoft.keyvault/vaults/secrets ${at("myresourcegroup", "Microsoft.KeyVault/vaults/prodvault/secrets/admin-credentials")}`, `${T} > ${S} > myresourcegroup`, "success", "2.2.2.2"],
  [48, U, "CONFIGURE", "Microsoft.Authorization/policyDefinitions/write", `azure.microsoft.authorization/policydefinitions ${at("policy-rg", "Microsoft.Authorization/policyDefinitions/MyPolicy", "55555555-5555-5555-5555-555555555555")}`, "55555555-5555-5555-5555-555555555555 > 55555555-5555-5555-5555-555555555555 > policy-rg", "success", "5.5.5.5"],
  [49, U, "OTHER", "MICROSOFT.AUTHORIZATION/POLICIES/AUDIT/ACTION", `azure.microsoft.storage/storageaccounts ${at("storage-rg", "Microsoft.Storage/storageAccounts/mystorage")}`, `${T} > ${S} > storage-rg`, "success", "1.1.1.1"],
  [53, "user compromised-admin@company.com", "DELETE", "MICROSOFT.RECOVERYSERVICES/VAULTS/BACKUPFABRICS/PROTECTIONCONTAINERS/DELETE", `azure.microsoft.recoveryservices/vaults/backupfabrics/protectioncontainers ${at("backup-rg", "Microsoft.RecoveryServices/vaults/ProductionBackupVault/backupFabrics/Azure/protectionContainers/IaasVMContainer;iaasvmcontainerv2;prod-rg;prod-vm-001")}`, `${T} > ${S} > backup-rg`, "success", "203.0.113.42"],
  [60, U, "WRITE", "MICROSOFT.COMPUTE/RESTOREPOINTCOLLECTIONS/WRITE", `azure.microsoft.compute/restorepointcollections ${at("backup-rg", "Microsoft.Compute/restorePointCollections/new-collection", "44444444-4444-4444-4444-444444444444")}`, "44444444-4444-4444-4444-444444444444 > 44444444-4444-4444-4444-444444444444 > backup-rg", "success", "4.4.4.4"],
  [66, U, "EXECUTE", "MICROSOFT.WEB/SITES/HOSTRUNTIME/HOST/ACTION", `azure.microsoft.web/sites ${at("apps-rg", "Microsoft.Web/sites/testFunctionApp", "55555555-5555-5555-5555-555555555555")}`, "55555555-5555-5555-5555-555555555555 > 55555555-5555-5555-5555-555555555555 > apps-rg", "denied", "6.6.6.6"],
  [71, "user denethor@lotr.com", "WRITE", "Microsoft.Storage/storageAccounts/write", `azure.microsoft.storage/storageaccounts ${at("myresourcegroup", "Microsoft.Storage/storageAccounts/mystorageaccount")}`, `${T} > ${S} > myresourcegroup`, "success", "1.1.1.1"],
  [82, U, "READ", "Microsoft.Storage/storageAccounts/fileServices/shares/read", `azure.microsoft.storage/storageaccounts/fileservices/shares ${at("storage-rg", "Microsoft.Storage/storageAccounts/storage/fileServices/default/shares/share", "77777777-7777-7777-7777-777777777777")}`, "77777777-7777-7777-7777-777777777777 > 77777777-7777-7777-7777-777777777777 > storage-rg", "success", "7.7.7.7"],
  [85, U, "READ", "GetBlob", "azure.blob /criticaldata001/backups/data.zip", "criticaldata001", "success", "8.8.8.8"],
  [86, U, "DELETE", "DeleteBlob", "azure.blob /proddata/financial/records.xlsx", "proddata", "success", "1.1.1.1"],
  [88, U, "READ", "GetBlob", "azure.blob /publicdata/downloads/file.pdf", "publicdata", "success", "9.9.9.9"],
  [89, U, "READ", "GetBlob", "azure.blob /securedata/secrets/key.txt", "securedata", "denied", "4.4.4.4"],
  [95, U, "WRITE", "MICROSOFT.COMPUTE/SNAPSHOTS/WRITE", `azure.microsoft.compute/snapshots ${at("backup-rg", "Microsoft.Compute/snapshots/new-snapshot", "44444444-4444-4444-4444-444444444444")}`, "44444444-4444-4444-4444-444444444444 > 44444444-4444-4444-4444-444444444444 > backup-rg", "success", "4.4.4.4"],
] as const;

describe.skipIf(!hasSharedData)("labelled records of Azure (skipped where ../shared/data is absent)", () => {
  it("are read, every one", async () => {
    const { readings, events } = await readNative([azureActivity], pantherEvents("Azure.MonitorActivity"));
    expect([readings.length, events.length]).toEqual([95, 95]);
    expect(JSON.stringify(events)).not.toMatch(/SIGNATURE_HERE|ATTACKER_SIG|INTERNAL_SIG|EXPIRED_SIG/);
  });

  it("say what a person read out of them", async () => {
    const input = await readNative(azureActivity, pantherEvents("Azure.MonitorActivity"));
    const lines = labels.map(([line]) => line);
    expect(labelsAt(input, lines)).toEqual(labels);
  });

  it("are as precise as the documentation says", async () => {
    const { events } = await readNative(azureActivity, pantherEvents("Azure.MonitorActivity"));
    expect(measurePrecision(events)).toEqual({
      actor: 5.3,
      operation: 96.8,
      resource: 100,
      scope: 100,
      outcome: 100,
      source: 100,
    });
  });

  it("of clusters have no time of their own in this file, and say so", async () => {
    const mixed = pantherEvents("Amazon.EKS.Audit_Azure.MonitorActivity_GCP.AuditLog");
    const { readings } = await readNative([azureActivity, kubernetes], mixed);
    const read = readings.filter((reading) => reading.kind === "unreadable" && reading.adapter === "azure-activity");
    expect(new Set(read.map((reading) => reading.kind === "unreadable" && reading.reasons[0]?.field))).toEqual(
      new Set(["requestReceivedTimestamp", "time"]),
    );
    expect(read).toHaveLength(16);
  });
});
