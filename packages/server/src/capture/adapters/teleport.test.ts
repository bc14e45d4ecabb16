import { describe, expect, it } from "vitest";
import { hasSharedData, labelsAt, measurePrecision, pantherEvents, readNative, readShared } from "../testing/index.ts";
import { teleport } from "./teleport.ts";

const base = { ei: 0, time: "2026-11-24T09:30:00.123Z", uid: "u-1", cluster_name: "prod", user: "ada@example.com" };
const login = {
  ...base,
  event: "user.login",
  code: "T1000I",
  method: "local",
  success: true,
  "addr.remote": "203.0.113.9:4711",
};

async function readOne(record: unknown): Promise<Awaited<ReturnType<typeof readNative>>["events"][number] | undefined> {
  return (await readNative(teleport, JSON.stringify(record))).events[0];
}

describe("the Teleport adapter", () => {
  it("reads who signed in, from where and with which second factor", async () => {
    const event = await readOne({ ...login, mfa_device: { mfa_device_uuid: "m-1" }, user_agent: "tsh/18" });
    expect(event).toMatchObject({
      id: "u-1",
      time: { occurred: "2026-11-24T09:30:00.123000000Z", precision: "ms", basis: "event" },
      actor: {
        type: "user",
        id: "ada@example.com",
        ns: "teleport:prod",
        email: "ada@example.com",
        session: { mfa: true },
      },
      action: { op: "AUTH", name: "user.login", kind: "auth" },
      resources: [{ type: "teleport.cluster", id: "prod", scope: ["prod"] }],
      outcome: { status: "success", code: "T1000I" },
      source: { ip: "203.0.113.9", port: 4711, ipTrust: "peer", userAgent: "tsh/18" },
      origin: { system: "teleport:prod", nativeVersion: "T1000I" },
    });
    const refused = await readOne({ ...login, code: "T1000W", success: false, error: "invalid password" });
    expect(refused?.outcome).toEqual({ status: "denied", code: "T1000W", reason: "invalid password" });
  });

  it("reads what ran on which server, as which account, without passwords of the command line", async () => {
    const event = await readOne({
      ...base,
      event: "session.command",
      code: "T4000I",
      sid: "s-1",
      server_id: "srv-1",
      server_hostname: "web-1",
      login: "root",
      program: "mysql",
      path: "/usr/bin/mysql",
      argv: ["-uroot", "-phunter2"],
      return_code: 0,
    });
    expect(event).toMatchObject({
      actor: { session: { id: "s-1" }, actingAs: { type: "user", id: "root", ns: "host:srv-1" } },
      action: { op: "EXECUTE", kind: "process" },
      resources: [
        { type: "process", id: "/usr/bin/mysql", scope: ["prod", "srv-1"] },
        { type: "teleport.node", id: "srv-1", name: "web-1", role: "related" },
      ],
      outcome: { status: "success", code: "0" },
    });
    expect(JSON.stringify(event)).not.toContain("hunter2");
    const failed = await readOne({
      ...base,
      event: "exec",
      code: "T3002E",
      command: "PGPASSWORD=x9 psql",
      exitCode: "1",
      server_id: "s",
    });
    expect(failed).toMatchObject({
      outcome: { status: "failure", code: "1" },
      resources: [{ id: "PGPASSWORD=***" }, {}],
    });
    expect(JSON.stringify(failed)).not.toContain("x9");
  });

  it("reads statements by their first word, and keeps nothing that was bound to them", async () => {
    const query = {
      ...base,
      event: "db.session.query",
      code: "TDB02I",
      db_service: "orders",
      db_name: "shop",
      db_protocol: "postgres",
      db_user: "app",
      db_query: "ALTER USER bob WITH PASSWORD 'hunter2'",
      db_query_parameters: ["4111111111111111"],
      success: true,
    };
    const event = await readOne(query);
    expect(event).toMatchObject({
      actor: { actingAs: { id: "app", ns: "db:orders" } },
      action: { op: "UPDATE", kind: "datastore" },
      resources: [
        { type: "db.database", id: "shop", scope: ["prod", "orders"] },
        { type: "teleport.database", id: "orders", role: "related" },
      ],
      native: { db_query: "ALTER USER bob WITH PASSWORD '***'", db_query_parameters: ["***"] },
      origin: { warnings: ["op:keyword"] },
    });
    const ops = ["select 1", " (SELECT 1)", "WITH x AS (SELECT 1) DELETE FROM t", '{"find":"users"}'].map(
      async (db_query) => {
        return (await readOne({ ...query, db_query }))?.action.op;
      },
    );
    expect(await Promise.all(ops)).toEqual(["READ", "READ", "EXECUTE", "EXECUTE"]);
    const refused = await readOne({
      ...query,
      event: "db.session.start",
      code: "TDB00W",
      success: false,
      error: "access to db denied",
    });
    expect([refused?.action.op, refused?.outcome.status]).toEqual(["AUTH", "denied"]);
  });

  it.each([
    [
      { verb: "list", resource_kind: "pods", resource_namespace: "pay", response_code: 200 },
      "LIST",
      "k8s.core.pods pay/*",
      "success",
    ],
    [
      {
        verb: "delete",
        resource_kind: "deployments",
        resource_api_group: "apps/v1",
        resource_name: "api",
        response_code: 403,
      },
      "DELETE",
      "k8s.apps.deployments api",
      "denied",
    ],
    [
      { request_path: "/api/v1/namespaces/pay/pods/api/exec?command=sh", response_code: 101 },
      "EXECUTE",
      "http.path /api/v1/namespaces/pay/pods/api/exec",
      "success",
    ],
    [{ request_path: "/version", response_code: 404 }, "OTHER", "http.path /version", "failure"],
  ])("reads a request to Kubernetes: %j", async (request, op, resource, status) => {
    const event = await readOne({
      ...base,
      event: "kube.request",
      code: "T3009I",
      kubernetes_cluster: "eu",
      ...request,
    });
    const [first] = event?.resources ?? [];
    expect([event?.action.op, `${first?.type} ${first?.id}`, event?.outcome.status]).toEqual([op, resource, status]);
  });

  it("reads transfers of files, reviews of requests and locks", async () => {
    const scp = { ...base, event: "scp", code: "T3004I", path: "/etc/shadow", server_id: "srv-1", exitCode: "0" };
    expect((await readOne({ ...scp, action: "download" }))?.action).toMatchObject({ op: "EXPORT", kind: "file" });
    expect((await readOne({ ...scp, action: "upload" }))?.resources[0]).toMatchObject({
      type: "file",
      id: "/etc/shadow",
    });
    const review = { ...base, event: "access_request.review", code: "T5002I", id: "req-1", roles: ["dba"] };
    const approved = await readOne({ ...review, proposed_state: "APPROVED" });
    expect(approved).toMatchObject({
      action: { op: "GRANT", kind: "iam" },
      resources: [
        { type: "teleport.access_request", id: "req-1" },
        { type: "teleport.role", id: "dba", role: "affected" },
      ],
    });
    expect((await readOne({ ...review, proposed_state: "DENIED" }))?.action.op).toBe("REVOKE");
    const lock = { ...base, event: "lock.created", code: "TLK00I", name: "l-1", target: { user: "bob" } };
    expect((await readOne(lock))?.resources).toMatchObject([
      { type: "teleport.lock" },
      { type: "teleport.user", id: "bob" },
    ]);
  });

  it.each([
    ["role.created", "CREATE"],
    ["role.updated", "UPDATE"],
    ["role.deleted", "DELETE"],
    ["user.create", "CREATE"],
    ["trusted_cluster.delete", "DELETE"],
    ["session.start", "EXECUTE"],
    ["session.end", "LOGOUT"],
    ["windows.desktop.session.start", "EXECUTE"],
    ["desktop.clipboard.receive", "EXPORT"],
    ["mfa.delete", "DELETE"],
    ["recovery_code.generated", "CREATE"],
    ["session.recording.access", "READ"],
    ["db.session.mysql.drop_db", "DELETE"],
    ["access_list.member.create", "GRANT"],
  ])("knows that %s is %s", async (event, op) => {
    const read = await readOne({ ...base, event, code: "T0000I", name: "n-1", sid: "s-1", server_id: "srv-1" });
    expect([read?.action.op, read?.origin.warnings]).toEqual([op, undefined]);
  });

  it("tells robots from people, and who acts for whom", async () => {
    expect((await readOne({ ...login, user: "bot-ci" }))?.actor.type).toBe("service");
    expect((await readOne({ ...login, user_kind: 2 }))?.actor.type).toBe("service");
    expect((await readOne({ ...login, impersonator: "bot-ci", user: "deploy" }))?.actor).toMatchObject({
      type: "service",
      id: "bot-ci",
      actingAs: { id: "deploy" },
    });
    const nobody = await readOne({ ...login, user: undefined, event: "brand.new" });
    expect(nobody?.origin.warnings).toEqual(["op:default", "actor:default"]);
  });

  it("skips what is no access, and names what makes a record unreadable", async () => {
    const lines = [
      { ...base, event: "resize", code: "T2002I" },
      { ...base, event: "session.upload", code: "T2005I" },
      { ...base, event: 7, time: "2026-13-01T00:00:00Z" },
      { ...base, code: "T1000I" },
    ].map((record) => JSON.stringify(record));
    const { readings } = await readNative(teleport, [...lines, '{"ei":0,"ev'].join("\n"));
    const what = readings.map((reading) => (reading.kind === "unreadable" ? reading.reasons[0]?.field : reading.kind));
    expect(what).toEqual(["skipped", "skipped", "time", "event", ""]);
  });

  it("survives hostile records", async () => {
    const hostile = JSON.stringify({
      ...login,
      event: "constructor",
      argv: [{}, null],
      target: [1],
      roles: "x",
      participants: 3,
    });
    const { events } = await readNative(teleport, hostile.replace('"ei"', '"__proto__":{"event":"x"},"ei"'));
    expect(events[0]?.origin.warnings).toEqual(["op:default"]);
  });
});

const jane = [
  "user jane.doe@example.com",
  "AUTH",
  "user.login",
  "teleport.cluster teleport.example.com",
  "teleport.example.com",
  "success",
  "-",
] as const;
const server = "teleport > e75992b4-9e27-456f-b1c9-7a32da83c661";

/**
 * Written from the raw records before the adapter had read them: all 15 of the file. The address of line 5 has a group of five digits
 * and is none; the label first had it.
 */
// biome-ignore format: one record a line
const labels = [
  [1, ...jane],
  [2, ...jane],
  [3, "user panther", "EXECUTE", "session.command", "process /bin/echo", server, "success", "-"],
  [4, "user panther", "EXECUTE", "session.command", "process /sbin/userdel", server, "success", "-"],
  [5, "user max.mustermann", "AUTH", "user.login", "teleport.cluster teleport.example.com", "teleport.example.com", "success", "-"],
  [6, "user max.mustermann", "AUTH", "user.login", "teleport.cluster teleport.example.com", "teleport.example.com", "success", "2001:db8:face:face:face:face:face:face"],
  [7, "user max.mustermann@example.com", "CREATE", "lock.created", "teleport.lock 88888888-4444-4444-4444-222222222222", "teleport.example.com", "success", "-"],
  [8, "service bot-application", "AUTH", "cert.create", "teleport.certificate bot-application", "teleport.example.com", "success", "-"],
  [9, "service bot-application", "AUTH", "cert.create", "teleport.certificate bot-application", "teleport.example.com", "success", "-"],
  [10, "unreadable", "time"],
  [11, "user max.mustermann@zumbeispiel.example", "CREATE", "saml.created", "teleport.saml okta", "teleport.example.com", "success", "-"],
  [12, ...jane],
  [13, "user wtf.how@omghax.gravitational.io", "AUTH", "user.login", "teleport.cluster teleport.example.com", "teleport.example.com", "success", "-"],
  [14, "user panther", "EXECUTE", "session.command", "process /bin/echo", server, "success", "-"],
  [15, "user panther", "EXECUTE", "session.command", "process /bin/nc", server, "success", "-"],
];

describe.skipIf(!hasSharedData)("labelled records of Teleport (skipped where ../shared/data is absent)", () => {
  it("say what a person read out of them", async () => {
    const input = await readNative(teleport, pantherEvents("Gravitational.TeleportAudit"));
    expect(input.readings).toHaveLength(15);
    expect(
      labelsAt(
        input,
        labels.map(([line]) => Number(line)),
      ),
    ).toEqual(labels);
  });

  it("are as precise as the documentation says", async () => {
    const { events } = await readNative(teleport, pantherEvents("Gravitational.TeleportAudit"));
    expect(measurePrecision(events)).toEqual({
      actor: 100,
      operation: 100,
      resource: 100,
      scope: 100,
      outcome: 100,
      source: 7.1,
    });
  });

  it("of a brute-forced proxy agree with CrowdSec's parse", async () => {
    const log = readShared("crowdsec/teleport-bf/teleport-bf.log").toString("utf8");
    const { readings, events } = await readNative(teleport, log);
    const asserted = readShared("crowdsec/teleport-bf/scenario.assert").toString("utf8");
    expect([readings.length, events.length]).toEqual([6, 6]);
    for (const [index, { actor, action, outcome, source, time }] of events.entries()) {
      const meta = (name: string, value: string): string =>
        `results[0].Overflow.Alert.Events[${index}].GetMeta("${name}") == "${value}"`;
      expect(asserted).toContain(meta("source_ip", source.ip ?? ""));
      expect(asserted).toContain(meta("user", actor.id));
      expect(asserted).toContain(meta("timestamp", time.occurred.replace("000000Z", "Z")));
      expect([action.op, outcome.status]).toEqual(["AUTH", "denied"]);
    }
    // The same event six times, as a collector repeats it: stored once.
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
  });
});
