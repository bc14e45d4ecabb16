import { describe, expect, it } from "vitest";
import { hasSharedData, labelsAt, measurePrecision, pantherEvents, readNative } from "../testing/index.ts";
import { okta } from "./okta.ts";

const grant = {
  uuid: "9f1c7a5e-1111-4222-8333-444455556666",
  version: "0",
  published: "2026-11-24T09:30:00.123Z",
  eventType: "group.user_membership.add",
  displayMessage: "Add user to group membership",
  severity: "INFO",
  actor: { id: "00uADMIN", type: "User", alternateId: "ada@example.com", displayName: "Ada" },
  client: {
    ipAddress: "203.0.113.9",
    userAgent: { rawUserAgent: "Mozilla/5.0" },
    geographicalContext: {
      city: "Berlin",
      state: "Berlin",
      country: "Germany",
      geolocation: { lat: 52.5, lon: 13.4 },
    },
  },
  request: { ipChain: [{ ip: "203.0.113.9" }, { ip: "10.1.1.1" }] },
  outcome: { result: "SUCCESS", reason: null },
  target: [
    { id: "00uBOB", type: "User", alternateId: "bob@example.com", displayName: "Bob" },
    {
      id: "00gOPS",
      type: "UserGroup",
      alternateId: "unknown",
      displayName: "Ops",
      changeDetails: { from: { role: "a" }, to: { role: "b", since: "c" } },
    },
  ],
  transaction: { type: "WEB", id: "t-1", detail: { requestApiTokenId: "00Tabc" } },
  authenticationContext: { externalSessionId: "s-1" },
  securityContext: { asNumber: 64_500, asOrg: "Example Net" },
  debugContext: { debugData: { requestId: "r-1", url: "/api/v1/groups?token=abc&limit=2" } },
};

async function read(record: unknown): ReturnType<typeof readNative> {
  return readNative(okta, JSON.stringify(record), { options: { org: "acme" } });
}

describe("the Okta adapter", () => {
  it("reads who gave whom which right, from where and in which request", async () => {
    const { events } = await read(grant);
    expect(events[0]).toMatchObject({
      id: grant.uuid,
      time: { occurred: "2026-11-24T09:30:00.123000000Z", precision: "ms", basis: "event" },
      actor: {
        type: "user",
        id: "00uADMIN",
        ns: "okta:acme",
        name: "Ada",
        email: "ada@example.com",
        session: { id: "s-1" },
        credential: { kind: "api_token", id: "00Tabc" },
      },
      action: { op: "GRANT", name: "group.user_membership.add", kind: "iam" },
      resources: [
        { type: "okta.User", id: "00uBOB", name: "Bob", scope: ["acme"] },
        { type: "okta.UserGroup", id: "00gOPS", name: "Ops" },
      ],
      outcome: { status: "success", code: "SUCCESS" },
      source: {
        ip: "203.0.113.9",
        ipTrust: "peer",
        via: ["10.1.1.1"],
        geo: { country: "DE", city: "Berlin", lat: 52.5, lon: 13.4, asn: "64500", org: "Example Net" },
      },
      impact: { fields: ["role", "since"] },
      trace: { requestId: "r-1", correlationId: "t-1" },
      origin: { system: "okta:acme", adapter: "okta", nativeId: grant.uuid },
    });
    expect(events[0]?.origin.warnings).toBeUndefined();
  });

  it("keeps no token of an address", async () => {
    const { events } = await read(grant);
    expect(events[0]?.native).toMatchObject({
      debugContext: { debugData: { url: "/api/v1/groups?token=***&limit=2" } },
    });
  });

  it.each([
    ["SUCCESS", undefined, "success"],
    ["ALLOW", undefined, "success"],
    ["DENY", undefined, "denied"],
    ["FAILURE", "INVALID_CREDENTIALS", "denied"],
    ["FAILURE", "VERIFICATION_ERROR", "denied"],
    ["FAILURE", "Internal server error", "failure"],
    ["FAILURE", undefined, "failure"],
    ["CHALLENGE", undefined, "pending"],
    ["SKIPPED", undefined, "pending"],
    ["UNKNOWN", undefined, "unknown"],
    [undefined, undefined, "unknown"],
  ])("takes %s for %s as %s", async (result, reason, status) => {
    const { events } = await read({ ...grant, outcome: { result, reason } });
    expect(events[0]?.outcome.status).toBe(status);
  });

  it.each([
    ["user.session.start", "AUTH", "auth"],
    ["user.session.end", "LOGOUT", "auth"],
    ["user.authentication.sso", "AUTH", "auth"],
    ["user.authentication.slo", "LOGOUT", "auth"],
    ["app.oauth2.as.token.grant.access_token", "AUTH", "auth"],
    ["app.oauth2.token.revoke", "REVOKE", "api"],
    ["user.lifecycle.delete.initiated", "DELETE", "iam"],
    ["user.lifecycle.suspend", "UPDATE", "iam"],
    ["user.account.privilege.grant", "GRANT", "iam"],
    ["group.privilege.revoke", "REVOKE", "iam"],
    ["group.application_assignment.remove", "REVOKE", "iam"],
    ["application.user_membership.add", "GRANT", "iam"],
    ["application.user_membership.show_password", "READ", "iam"],
    ["iam.resourceset.bindings.delete", "REVOKE", "iam"],
    ["policy.rule.delete", "DELETE", "iam"],
    ["system.api_token.create", "CREATE", "api"],
    ["analytics.reports.export.download", "EXPORT", "api"],
    ["workflows.user.delegatedflow.run", "EXECUTE", "api"],
  ])("knows that %s is %s", async (eventType, op, kind) => {
    const { events } = await read({ ...grant, eventType });
    expect(events[0]?.action).toEqual({ op, name: eventType, kind });
    expect(events[0]?.origin.warnings).toBeUndefined();
  });

  it("says so where it does not know what an event type does", async () => {
    const { events } = await read({ ...grant, eventType: "brand.new.thing" });
    expect([events[0]?.action.op, events[0]?.origin.warnings]).toEqual(["OTHER", ["op:default"]]);
  });

  it("takes a name that belongs to nobody as what somebody typed", async () => {
    const actor = { id: "unknown", type: "User", alternateId: "mallory", displayName: "unknown" };
    const { events } = await read({ ...grant, eventType: "user.session.start", actor, target: null });
    expect(events[0]?.actor).toMatchObject({ type: "unknown", id: "mallory" });
    expect(events[0]?.resources).toEqual([{ type: "okta.org", id: "acme", scope: ["acme"] }]);
    expect(events[0]?.origin.warnings).toEqual(["actor:claimed"]);
  });

  it("reads the events of an event hook and of an EventBridge log stream", async () => {
    const hook = { eventType: "com.okta.event_hook", data: { events: [grant, { ...grant, uuid: "u-2" }] } };
    expect((await read(hook)).events.map(({ id }) => id)).toEqual([grant.uuid, "u-2/1"]);
    const stream = { version: "0", "detail-type": "SystemLog", detail: grant };
    expect((await read(stream)).events.map(({ id }) => id)).toEqual([grant.uuid]);
    expect((await readNative([okta], `${JSON.stringify(stream)}\n${JSON.stringify(hook)}`)).events).toHaveLength(3);
  });

  it("names what makes a record unreadable", async () => {
    const { readings } = await readNative(
      okta,
      [
        JSON.stringify({ ...grant, published: undefined }),
        JSON.stringify({ ...grant, eventType: 7.5, published: "yesterday" }),
        JSON.stringify({ published: grant.published }),
        '{"eventType":"user.sess',
        "[1,2",
      ].join("\n"),
    );
    expect(readings.map((reading) => reading.kind === "unreadable" && reading.reasons[0]?.field)).toEqual([
      "published",
      "published",
      "eventType",
      "",
      "",
    ]);
  });

  it("is not led astray by hostile members", async () => {
    const line = JSON.stringify({
      ...grant,
      target: [null, 1, "x", { id: { a: 1 } }, { id: "ok", type: "x".repeat(5_000) }],
      client: "none",
      request: { ipChain: [null, { ip: "not an address" }] },
      actor: { ...grant.actor, displayName: "\u0000\u001b[31m" },
    }).replace('"severity"', '"__proto__":{"polluted":true},"constructor":"x","severity"');
    const { events } = await readNative(okta, line);
    expect(events[0]).toMatchObject({ resources: [{ id: "ok" }], source: { via: ["not an address"] } });
    expect(events[0]?.origin.warnings).toContain("cut:resources.type");
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

/** Written from the raw records before the adapter had read them. */
// biome-ignore format: one record a line
const labels = [
  [1, "user 111111", "GRANT", "user.session.impersonation.grant", "okta.org acme", "acme", "unknown", "1.1.1.1"],
  [2, "user 111111", "AUTH", "user.session.start", "okta.org acme", "acme", "unknown", "1.1.1.1"],
  [3, "user 111111", "CONFIGURE", "system.mfa.factor.deactivate", "okta.org acme", "acme", "unknown", "1.1.1.1"],
  [5, "user 00u99ped55av2JpGs5d7", "OTHER", "system.org.rate_limit.warning", "okta.URL Pattern /api/v1/logs", "acme", "success", "11.22.33.44"],
  [6, "user 00ubewfku1EX0WCFk697", "AUTH", "user.session.start", "okta.AuthenticatorEnrollment lae1at5k3ir9bV1gr697", "acme", "success", "99.108.5.25"],
  [7, "user 00ubewfku1EX0WCFk697", "AUTH", "user.session.start", "okta.AuthenticatorEnrollment lae1at5k3ir9bV1gr697", "acme", "failure", "99.108.5.25"],
  [8, "user 00abc123", "AUTH", "policy.evaluate_sign_on", "okta.AppInstance Okta Admin Console", "acme", "pending", "1.3.2.4"],
  [12, "user 00abc123", "UPDATE", "application.lifecycle.update", "okta.AppInstance Okta Org2Org", "acme", "pending", "1.3.2.4"],
  [13, "user 00abc123", "CREATE", "application.lifecycle.create", "okta.AppInstance Random Org2Org", "acme", "pending", "1.3.2.4"],
  [15, "user 00abc123", "AUTH", "user.authentication.auth_via_mfa", "okta.User 0002222AAAA", "acme", "success", "1.3.2.4"],
  [16, "user 00abc123", "UPDATE", "application.lifecycle.update", "okta.User 0002222AAAA", "acme", "success", "1.3.2.4"],
  [17, "user 00abc456", "OTHER", "system.org.rate_limit.warning", "okta.URL Pattern /api/v1/users", "acme", "success", "1.2.3.4"],
  [18, "user 00abc456", "OTHER", "system.operation.rate_limit.violation", "okta.URL Pattern /app/{app}/{key}/", "acme", "denied", "1.2.3.4"],
  [19, "user 00abc456", "OTHER", "application.integration.rate_limit_exceeded", "okta.AppInstance 12345", "acme", "success", "1.2.3.4"],
  [20, "user 00ABC123", "GRANT", "group.privilege.grant", "okta.AppInstance 12345", "acme", "failure", "1.2.3.4"],
  [21, "user 00abc456", "OTHER", "system.operation.rate_limit.violation", "okta.URL Pattern /app/{app}/{key}/", "acme", "denied", "1.2.3.4"],
  [22, "user 00abc123", "UPDATE", "user.account.lock", "okta.org acme", "acme", "denied", "1.2.3.4"],
  [24, "user 00abc123", "UPDATE", "user.mfa.factor.suspend", "okta.User 0002222AAAA", "acme", "success", "1.3.2.4"],
  [25, "user 00abc123", "DELETE", "user.mfa.factor.reset_all", "okta.User 0002222AAAA", "acme", "success", "1.3.2.4"],
  [26, "unreadable", "published"],
] as const;

describe.skipIf(!hasSharedData)("labelled records of Okta (skipped where ../shared/data is absent)", () => {
  it("are read but for the one without a time", async () => {
    const { readings, events } = await readNative([okta], pantherEvents("Okta.SystemLog"));
    expect([readings.length, events.length]).toEqual([29, 28]);
    expect(new Set(events.flatMap(({ origin }) => origin.warnings ?? []))).toEqual(
      new Set(["tz:assumed", "resource:default", "resource:name"]),
    );
  });

  it("say what a person read out of them", async () => {
    const input = await readNative(okta, pantherEvents("Okta.SystemLog"), { options: { org: "acme" } });
    const lines = labels.map(([line]) => line);
    expect(labelsAt(input, lines)).toEqual(labels);
  });

  it("are as precise as the documentation says", async () => {
    const { events } = await readNative(okta, pantherEvents("Okta.SystemLog"));
    expect(measurePrecision(events)).toEqual({
      actor: 100,
      operation: 75,
      resource: 89.3,
      scope: 100,
      outcome: 60.7,
      source: 100,
    });
  });
});
