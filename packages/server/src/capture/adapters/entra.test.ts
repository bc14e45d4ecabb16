import { describe, expect, it } from "vitest";
import { hasSharedData, labelsAt, measurePrecision, pantherEvents, readNative } from "../testing/index.ts";
import { entra } from "./entra.ts";

/** As the Graph API gives it. */
const added = {
  id: "Directory_1",
  category: "RoleManagement",
  correlationId: "c-1",
  result: "success",
  resultReason: "",
  activityDisplayName: "Add member to role",
  activityDateTime: "2026-11-24T09:30:00.1234567Z",
  loggedByService: "Core Directory",
  operationType: "Assign",
  initiatedBy: {
    user: { id: "u-1", displayName: "Ada", userPrincipalName: "ada@example.com", ipAddress: "203.0.113.9" },
    app: null,
  },
  targetResources: [
    {
      id: "u-2",
      displayName: "Bob",
      type: "User",
      modifiedProperties: [{ displayName: "Role.DisplayName", oldValue: null, newValue: '"Global Administrator"' }],
    },
    { id: "r-1", type: "Role" },
  ],
};
const signIn = {
  id: "s-1",
  createdDateTime: "2026-11-24T09:30:00Z",
  userDisplayName: "Ada",
  userPrincipalName: "ada@example.com",
  userId: "u-1",
  appId: "a-1",
  appDisplayName: "Azure Portal",
  resourceId: "r-1",
  resourceDisplayName: "Azure Management",
  ipAddress: "2001:db8::1",
  clientAppUsed: "Browser",
  userAgent: "Mozilla/5.0",
  correlationId: "c-2",
  conditionalAccessStatus: "success",
  authenticationRequirement: "multiFactorAuthentication",
  uniqueTokenIdentifier: "t-1",
  status: { errorCode: 0, failureReason: "Other.", additionalDetails: null },
  location: {
    city: "Berlin",
    state: "Berlin",
    countryOrRegion: "DE",
    geoCoordinates: { latitude: 52.5, longitude: 13.4 },
  },
};
const envelope = {
  time: "2026-11-24T09:31:00Z",
  resourceId: "/tenants/t-1/providers/Microsoft.aadiam",
  operationVersion: "1.0",
  tenantId: "t-1",
  callerIpAddress: "203.0.113.77",
};

async function readOne(
  record: unknown,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Awaited<ReturnType<typeof readNative>>["events"][number] | undefined> {
  return (await readNative(entra, JSON.stringify(record), { options })).events[0];
}

describe("the Entra adapter", () => {
  it("reads who gave whom which role", async () => {
    expect(await readOne(added, { tenant: "t-1" })).toMatchObject({
      id: "Directory_1",
      time: { occurred: "2026-11-24T09:30:00.123456700Z", basis: "event" },
      actor: { type: "user", id: "u-1", ns: "entra:t-1", name: "Ada", email: "ada@example.com" },
      action: { op: "GRANT", name: "Add member to role", kind: "iam" },
      resources: [
        { type: "entra.user", id: "u-2", name: "Bob", scope: ["t-1"] },
        { type: "entra.role", id: "r-1" },
      ],
      outcome: { status: "success" },
      source: { ip: "203.0.113.9" },
      impact: { fields: ["Role.DisplayName"] },
      trace: { correlationId: "c-1" },
    });
  });

  it("reads the same out of what a diagnostic setting sends", async () => {
    const sent = { ...envelope, operationName: "Add member to role", category: "AuditLogs", properties: added };
    const { id: _id, origin: _origin, native: _native, ...event } = (await readOne(sent)) ?? {};
    const {
      id: _other,
      origin: _otherOrigin,
      native: _otherNative,
      ...same
    } = (await readOne(added, { tenant: "t-1" })) ?? {};
    expect(event).toEqual(same);
    const hub = JSON.stringify({ records: [sent, { ...envelope, category: "SignInLogs", properties: signIn }] });
    expect((await readNative([entra], hub)).events.map(({ action }) => action.op)).toEqual(["GRANT", "AUTH"]);
  });

  it("reads who signed in to what, with which proof", async () => {
    expect(
      await readOne({ ...envelope, category: "SignInLogs", operationName: "Sign-in activity", properties: signIn }),
    ).toMatchObject({
      actor: { type: "user", id: "u-1", ns: "entra:t-1", session: { id: "t-1", mfa: true } },
      action: { op: "AUTH", name: "Sign-in activity", kind: "auth" },
      resources: [
        { type: "entra.resource", id: "r-1", name: "Azure Management" },
        { type: "entra.application", id: "a-1", role: "related" },
      ],
      outcome: { status: "success", code: "0" },
      source: { ip: "2001:db8::1", geo: { country: "DE", city: "Berlin", lat: 52.5, lon: 13.4 } },
      detail: { clientApp: "Browser" },
    });
    expect((await readNative([entra], JSON.stringify({ value: [signIn] }))).events[0]?.actor.id).toBe("u-1");
  });

  it.each([
    [50126, "denied"],
    [50053, "denied"],
    [53003, "denied"],
    [65001, "denied"],
    [7000215, "denied"],
    [500121, "denied"],
    [50074, "pending"],
    [50140, "pending"],
    [90025, "failure"],
    [700016, "failure"],
    ["Success", "success"],
    ["Failure", "failure"],
    [undefined, "unknown"],
  ])("takes a sign-in with code %s as %s", async (errorCode, status) => {
    const properties = {
      ...signIn,
      conditionalAccessStatus: "notApplied",
      status: { errorCode, failureReason: "Because" },
    };
    expect((await readOne({ ...envelope, category: "SignInLogs", properties }))?.outcome.status).toBe(status);
  });

  it("tells users from services, and what was typed from what exists", async () => {
    const service = {
      ...signIn,
      userId: "",
      userPrincipalName: "",
      servicePrincipalId: "sp-1",
      servicePrincipalName: "CI",
    };
    expect((await readOne(service))?.actor).toMatchObject({ type: "service", id: "sp-1", name: "CI" });
    const typed = await readOne({ ...signIn, userId: "00000000-0000-0000-0000-000000000000" });
    expect([typed?.actor.id, typed?.origin.warnings]).toEqual(["ada@example.com", ["actor:claimed"]]);
    const app = { ...added, initiatedBy: { app: { displayName: "Sync", servicePrincipalId: "sp-2" }, user: null } };
    expect((await readOne(app))?.actor).toMatchObject({ type: "service", id: "sp-2" });
    const nobody = await readOne({ ...added, initiatedBy: null, targetResources: [] });
    expect(nobody?.origin.warnings).toEqual(["resource:default", "actor:default"]);
  });

  it.each([
    ["Consent to application", "GRANT"],
    ["Add owner to application", "GRANT"],
    ["Add app role assignment grant to user", "GRANT"],
    ["Remove member from group", "REVOKE"],
    ["Remove app role assignment from service principal", "REVOKE"],
    ["Update StsRefreshTokenValidFrom Timestamp", "REVOKE"],
    ["Reset user password", "UPDATE"],
    ["Disable account", "UPDATE"],
    ["Hard Delete application", "DELETE"],
    ["Add conditional access policy", "CREATE"],
    ["Set federation settings on domain", "CONFIGURE"],
    ["Bulk download users - finished (bulk)", "EXPORT"],
  ])("knows that '%s' is %s", async (activityDisplayName, op) => {
    expect((await readOne({ ...added, activityDisplayName }))?.action.op).toBe(op);
  });

  it("takes the type of operation where the name does not say it, and warns where neither does", async () => {
    expect((await readOne({ ...added, activityDisplayName: "Brand new" }))?.action.op).toBe("GRANT");
    const unknown = await readOne({ ...added, activityDisplayName: "Brand new", operationType: "Other" });
    expect([unknown?.action.op, unknown?.origin.warnings]).toEqual(["OTHER", ["op:default"]]);
  });

  it("tells refusals from faults of changes", async () => {
    const failed = { ...added, result: "failure" };
    expect((await readOne({ ...failed, resultReason: "Insufficient privileges" }))?.outcome.status).toBe("denied");
    expect((await readOne({ ...failed, resultReason: "Bad request" }))?.outcome.status).toBe("failure");
  });

  it("names what makes a record unreadable", async () => {
    const lines = [
      { ...added, activityDateTime: "soon" },
      { ...added, activityDisplayName: "" },
      { ...signIn, createdDateTime: null },
    ].map((record) => JSON.stringify(record));
    const { readings } = await readNative(entra, [...lines, '{"id":"Dir'].join("\n"));
    expect(readings.map((reading) => reading.kind === "unreadable" && reading.reasons[0]?.field)).toEqual([
      "activityDateTime",
      "activityDisplayName",
      "createdDateTime",
      "",
    ]);
  });

  it("survives hostile records", async () => {
    const line = JSON.stringify({
      ...added,
      targetResources: [null, 7, { id: {} }, { id: "x", modifiedProperties: "no" }],
      location: [],
    });
    const { events } = await readNative(entra, line.replace('"category"', '"__proto__":{"id":"x"},"category"'));
    expect(events[0]?.resources).toEqual([{ type: "entra.object", id: "x", scope: ["entra"] }]);
  });
});

const GRAPH = "entra.resource 00000003-0000-0000-c000-111111111111";

/** Written from the raw records before the adapter had read them. */
// biome-ignore format: one record a line
const labels = [
  [1, "user admin-compromised-001", "CONFIGURE", "Update authentication methods policy", "entra.policy policy-auth-methods-123", "tenant-abc", "success", "1.2.3.4"],
  [3, "user user-victim-123", "AUTH", "Sign-in activity", "entra.resource Microsoft Graph", "tenant-123", "success", "2.2.2.2"],
  [5, "user admin-attacker-123", "CONFIGURE", "Set federation settings on domain", "entra.directory tenant-123", "tenant-123", "success", "2.2.2.2"],
  [6, "user admin-benign-456", "CONFIGURE", "Set domain authentication", "entra.domain domain-normal-123", "tenant-789", "success", "203.0.113.100"],
  [7, "user user-admin-789", "GRANT", "User has elevated their access to User Access Administrator for their Azure Resources", "entra.directory tenant-123", "tenant-123", "unknown", "2.2.2.2"],
  [8, "user user-security-777", "REVOKE", "Remove role assignment", "entra.user user-former-888", "tenant-def", "success", "198.51.100.150"],
  [9, "user user-001", "AUTH", "Sign-in activity", "entra.resource Microsoft Graph", "tenant-123", "denied", "4.4.4.4"],
  [10, "user user-010", "AUTH", "Sign-in activity", "entra.resource Microsoft Azure Management", "tenant-789", "denied", "3.3.3.3"],
  [12, "user user-123", "AUTH", "Sign-in activity", GRAPH, "tenant-123", "success", "5.5.5.5"],
  [13, "user 3b4e2783-2b5d-4f1f-a3d9-ddc0ed1c623f", "AUTH", "Sign-in activity", "entra.resource 00000003-0000-0000-c000-000000000000", "18360841-3f87-44a6-8c9a-3ffc680611a0", "success", "203.0.113.10"],
  [17, "user 123456789", "CREATE", "Invite external user", "entra.user 123456789", "123456789", "success", "1.2.3.4"],
  [19, "user 123456789", "CREATE", "Invite external user", "entra.user 123456789", "123456789", "failure", "1.2.3.4"],
  [21, "user 234526234", "DELETE", "Delete conditional access policy", "entra.policy 5e3cb481-2814-4295-b4cc-2440a6d66c86", "12341234", "success", "1.2.3.4"],
  [24, "service b1c34143-e405-4058-8e29-84596ad737b8", "AUTH", "Sign-in activity", "entra.resource 037694de-8c7d-498d-917d-edb650090fa5", "a2aa49aa-2c0c-49d2-af87-f402c421df0b", "denied", "12.12.12.12"],
  [29, "user 12345", "GRANT", "Add member to role in PIM completed (permanent)", "entra.role 12345", "12345", "success", "1.2.3.4"],
  [31, "user 12345", "GRANT", "Add member to role", "entra.role 12345", "12345", "success", "1.2.3.4"],
  [33, "user user-attacker-999", "AUTH", "Sign-in activity", "entra.application app-office-555", "tenant-ghi", "denied", "192.0.2.250"],
  [34, "user admin-123", "CREATE", "Add service principal credentials", "entra.serviceprincipal sp-app-456", "tenant-123", "success", "2.2.2.2"],
  [35, "user admin-cloud-456", "CREATE", "Add service principal", "entra.serviceprincipal sp-new-789", "tenant-ghi", "success", "192.0.2.250"],
  [37, "user user-ghi-789", "AUTH", "Sign-in activity", "entra.resource 499b84ac-1321-427f-aa17-267ca6975798", "tenant-789", "success", "1.2.3.4"],
] as const;

describe.skipIf(!hasSharedData)("labelled records of Entra (skipped where ../shared/data is absent)", () => {
  it("are read, every one", async () => {
    const { readings, events } = await readNative(entra, pantherEvents("Azure.Audit"));
    expect([readings.length, events.length]).toEqual([37, 37]);
  });

  it("say what a person read out of them", async () => {
    const input = await readNative(entra, pantherEvents("Azure.Audit"));
    const lines = labels.map(([line]) => line);
    expect(labelsAt(input, lines)).toEqual(labels);
  });

  it("are as precise as the documentation says", async () => {
    const { events } = await readNative(entra, pantherEvents("Azure.Audit"));
    expect(measurePrecision(events)).toEqual({
      actor: 100,
      operation: 100,
      resource: 94.6,
      scope: 100,
      outcome: 97.3,
      source: 100,
    });
  });
});
