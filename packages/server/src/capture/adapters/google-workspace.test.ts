import type { AccessEvent } from "@evident/core";
import { describe, expect, it } from "vitest";
import { hasSharedData, measurePrecision, pantherEvents, readNative } from "../testing/index.ts";
import { googleWorkspace } from "./google-workspace.ts";

type Members = Readonly<Record<string, unknown>>;

const activity = {
  kind: "admin#reports#activity",
  id: { time: "2026-11-24T09:30:00.123Z", uniqueQualifier: "-7", applicationName: "drive", customerId: "C1" },
  actor: { callerType: "USER", email: "jane@example.com", profileId: "1001" },
  ipAddress: "2001:db8::1",
  events: [
    {
      type: "acl_change",
      name: "change_user_access",
      parameters: [
        { name: "doc_id", value: "d-1" },
        { name: "doc_title", value: "Plan" },
        { name: "target_user", value: "bo@example.org" },
        { name: "new_value", multiValue: ["can_view"] },
        { name: "billable", boolValue: true },
      ],
    },
    { type: "access", name: "view", parameters: [{ name: "doc_id", value: "d-1" }] },
  ],
};

async function readAll(value: unknown): Promise<readonly AccessEvent[]> {
  return (await readNative(googleWorkspace, JSON.stringify(value))).events;
}

async function readEvent(applicationName: string, name: string, parameters: Members): Promise<AccessEvent | undefined> {
  const [event] = await readAll({
    ...activity,
    id: { ...activity.id, applicationName },
    events: [{ name, parameters }],
  });
  return event;
}

describe("the Google Workspace adapter", () => {
  it("makes an event of each event of an activity, with who got access to what", async () => {
    const events = await readAll(activity);
    const id = "C1 drive 2026-11-24T09:30:00.123Z -7";
    expect(events.map((event) => event.id)).toEqual([id, `${id}/1`]);
    expect(events[0]).toMatchObject({
      time: { occurred: "2026-11-24T09:30:00.123000000Z", precision: "ms", basis: "event" },
      actor: { type: "user", id: "1001", ns: "google", email: "jane@example.com" },
      action: { op: "GRANT", name: "drive:change_user_access", kind: "iam" },
      resources: [
        { type: "google.drive-file", id: "d-1", name: "Plan", scope: ["C1"] },
        { type: "google.user", id: "bo@example.org", role: "affected" },
      ],
      outcome: { status: "success" },
      source: { ip: "2001:db8::1", ipTrust: "peer" },
      origin: { system: "C1" },
    });
    expect(events[1]).toMatchObject({ action: { op: "READ", name: "drive:view", kind: "file" } });
  });

  it.each([
    ["drive", "change_user_access", { doc_id: "d", new_value: ["none"] }, "REVOKE"],
    ["drive", "change_document_visibility", { doc_id: "d", new_value: ["people_with_link"] }, "GRANT"],
    ["drive", "change_document_access_scope_hierarchy_reconciled", { doc_id: "d", new_value: ["private"] }, "REVOKE"],
    ["drive", "shared_drive_membership_change", { shared_drive_id: "s", membership_change_type: "remove" }, "REVOKE"],
    ["drive", "download", { doc_id: "d" }, "READ"],
    ["drive", "trash", { doc_id: "d" }, "DELETE"],
    ["admin", "ASSIGN_ROLE", { USER_EMAIL: "bo@x", ROLE_NAME: "r" }, "GRANT"],
    ["admin", "UNASSIGN_ROLE", { USER_EMAIL: "bo@x" }, "REVOKE"],
    ["admin", "CREATE_USER", { USER_EMAIL: "bo@x" }, "CREATE"],
    ["admin", "CHANGE_PASSWORD", { USER_EMAIL: "bo@x" }, "UPDATE"],
    ["admin", "TOGGLE_SERVICE_ENABLED", { ORG_UNIT_NAME: "o" }, "CONFIGURE"],
    ["login", "login_success", {}, "AUTH"],
    ["login", "logout", {}, "LOGOUT"],
    ["user_accounts", "2sv_disable", {}, "UPDATE"],
    ["token", "authorize", { client_id: "c" }, "GRANT"],
    ["token", "revoke", { client_id: "c" }, "REVOKE"],
    ["calendar", "delete_event", { event_id: "e" }, "DELETE"],
    ["groups", "add_user", { group_email: "g@x" }, "GRANT"],
    ["groups_enterprise", "remove_member", { group_id: "g" }, "REVOKE"],
    ["user_takeout", "user_takeout_download", { TAKEOUT_JOB_ID: "t" }, "EXPORT"],
  ])("knows what %s: %s does", async (application, name, parameters, op) => {
    const event = await readEvent(application, name, parameters);
    expect(event?.action.op).toBe(op);
    expect(event?.origin.warnings).toBeUndefined();
  });

  it("takes failed sign-ins and failed challenges as refused", async () => {
    const failed = await readEvent("login", "login_failure", { login_failure_type: "login_failure_invalid_password" });
    expect(failed?.outcome).toEqual({ status: "denied", reason: "login_failure_invalid_password" });
    const challenge = await readEvent("login", "login_challenge", { login_challenge_status: "Challenge Failed" });
    expect(challenge?.outcome.status).toBe("denied");
    const takeout = await readEvent("admin", "CUSTOMER_TAKEOUT_FAILED", {
      OBFUSCATED_CUSTOMER_TAKEOUT_REQUEST_ID: "1",
    });
    expect(takeout?.outcome.status).toBe("failure");
  });

  it("tells users from services, the system, and warnings in which nobody acted", async () => {
    const actorOf = async (actor: unknown): Promise<string> => {
      const [event] = await readAll({ ...activity, actor });
      return `${event?.actor.type} ${event?.actor.id} ${event?.origin.warnings?.join(" ") ?? ""}`.trim();
    };
    expect(await actorOf({ email: "jane@example.com" })).toBe("user jane@example.com");
    expect(await actorOf({ callerType: "KEY", key: "SYSTEM" })).toBe("system SYSTEM");
    expect(await actorOf({ callerType: "KEY", key: "k-1" })).toBe("service k-1");
    expect(await actorOf({ applicationInfo: { oauthClientId: "c-1" } })).toBe("service c-1");
    expect(await actorOf(undefined)).toBe("unknown unknown actor:default");
  });

  it("warns of what it does not know", async () => {
    expect(await readEvent("meet", "frobnicated", {})).toMatchObject({
      action: { op: "OTHER", name: "meet:frobnicated" },
      resources: [{ type: "google.application", id: "meet" }],
      origin: { warnings: ["op:default", "resource:default"] },
    });
  });

  it("reads the list that the API answers with, and the form of Cloud Logging", async () => {
    const list = { kind: "admin#reports#activities", etag: "x", items: [activity] };
    const { events } = await readNative(googleWorkspace, JSON.stringify(list, null, 1));
    expect(events).toHaveLength(2);
    const entry = {
      logName: "organizations/1/logs/cloudaudit.googleapis.com%2Factivity",
      insertId: "i",
      timestamp: "2026-11-24T09:30:00Z",
      protoPayload: {
        serviceName: "admin.googleapis.com",
        resourceName: "organizations/1/userSettings",
        authenticationInfo: { principalEmail: "admin@example.com" },
        requestMetadata: { callerIp: "203.0.113.9" },
        metadata: {
          "@type": "type.googleapis.com/ccc_hosted_reporting.ActivityProto",
          event: [
            { eventName: "CREATE_USER", parameter: [{ name: "USER_EMAIL", value: "bo@example.com" }] },
            { eventName: "CHANGE_PASSWORD", parameter: [{ name: "USER_EMAIL", value: "bo@example.com" }] },
          ],
        },
      },
    };
    const [created, changed] = await readAll(entry);
    expect(created).toMatchObject({
      id: `${entry.logName} ${entry.timestamp} i`,
      actor: { type: "user", id: "admin@example.com" },
      action: { op: "CREATE", name: "admin:CREATE_USER" },
      resources: [{ type: "google.user", id: "bo@example.com", scope: ["organizations/1"] }],
    });
    expect(changed?.action.op).toBe("UPDATE");
  });

  it("names what makes an activity unreadable", async () => {
    const lines = [
      { ...activity, id: { applicationName: "drive" } },
      { ...activity, id: { ...activity.id, time: 7 } },
      { ...activity, id: undefined },
      { ...activity, events: [] },
      { ...activity, events: [{ type: "x" }] },
    ];
    const text = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n${JSON.stringify(activity).slice(0, 99)}`;
    const { readings } = await readNative(googleWorkspace, text);
    const told = readings.map((reading) => (reading.kind === "unreadable" ? reading.reasons[0]?.field : reading.kind));
    expect(told).toEqual(["id.time", "id.time", "id.applicationName", "events", "events.name", ""]);
  });

  it("survives hostile values", async () => {
    const events = JSON.parse(
      '[{"name":"view","parameters":[null,7,{"name":"__proto__","value":"x"},{"name":"doc_id","value":{"a":1}}]},9]',
    ) as unknown;
    const [event] = await readAll({
      ...activity,
      actor: { __proto__: null, profileId: [] },
      ipAddress: "<script>",
      events,
    });
    expect(event).toMatchObject({ actor: { type: "unknown" }, resources: [{ id: "drive" }], source: {} });
  });

  it("recognises its activities only", () => {
    const recognises = (value: unknown): boolean =>
      googleWorkspace.recognises({ text: JSON.stringify(value), json: () => ({ ok: true, value }) } as never);
    expect(recognises(activity)).toBe(true);
    const metadata = { "@type": "type.googleapis.com/ccc_hosted_reporting.ActivityProto" };
    expect(recognises({ logName: "x", protoPayload: { metadata } })).toBe(true);
    expect(recognises({ logName: "x", protoPayload: { methodName: "x" } })).toBe(false);
    expect(recognises({ id: "e-1", events: [] })).toBe(false);
  });
});

describe.skipIf(!hasSharedData)("real Google Workspace activities", () => {
  it("of a vendor's rule tests are read but for those without a time", async () => {
    const { readings, events } = await readNative(googleWorkspace, pantherEvents("GSuite.ActivityEvent"));
    const unread = readings.flatMap((reading) => (reading.kind === "unreadable" ? [reading.reasons[0]?.field] : []));
    expect([readings.length, events.length]).toEqual([54, 29]);
    expect(unread).toEqual(Array.from({ length: 25 }, () => "id.time"));
    expect(measurePrecision(events)).toEqual({
      actor: 100,
      operation: 100,
      resource: 96.6,
      scope: 96.6,
      outcome: 100,
      source: 93.1,
    });
  });
});
