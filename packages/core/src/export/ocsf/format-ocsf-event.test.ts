import { checkOcsf, makeEvent } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "../../encoding/index.ts";
import { checkEvent } from "../../event/index.ts";
import { hashLeaf } from "../../tree/index.ts";
import { formatOcsfEvent } from "./format-ocsf-event.ts";

type Changes = Readonly<Record<string, unknown>>;

function lineOf(changes: Changes): string {
  const event = {
    ...makeEvent("e1"),
    origin: { tenant: "acme", source: "s", system: "records", adapter: "http" },
    ...changes,
  };
  const checked = checkEvent(event);
  expect(checked).toMatchObject({ ok: true });
  return `{"v":1,"kind":"event","received":"2026-03-01T08:30:01.000000000Z","sent":"AAAA","event":${JSON.stringify(event)}}`;
}

interface Ocsf extends Record<string, unknown> {
  readonly class_uid: number;
  readonly activity_id: number;
  readonly activity_name: string;
  readonly metadata: Record<string, unknown>;
  readonly unmapped: Record<string, unknown> & { readonly evident: Record<string, unknown> };
}

/** The exported event, which conforms. */
function exported(line: string, receipt?: string): Ocsf {
  const text = formatOcsfEvent({ trail: "main", index: 7, line, ...(receipt === undefined ? {} : { receipt }) });
  expect(text).not.toContain("\n");
  const event = JSON.parse(text) as Ocsf;
  expect(checkOcsf(event)).toEqual([]);
  return event;
}

const ocsf = (changes: Changes = {}): Ocsf => exported(lineOf(changes));

const ops =
  "READ LIST CREATE UPDATE WRITE DELETE EXECUTE AUTH LOGOUT GRANT REVOKE EXPORT CONFIGURE OTHER UNKNOWN".split(" ");
const kinds = ["api", "http", "datastore", "auth", "iam", "file", "process", "tool", "other"] as const;
const types = ["record", "user", "iam.group", "pg.table", "s3.bucket", "k8s.rbac.role", "device"];
const actorTypes = ["user", "service", "agent", "role", "system", "anonymous", "unknown"] as const;
const statuses = ["success", "denied", "failure", "pending", "unknown"] as const;

describe("an event as OCSF 1.8", () => {
  it("conforms for every kind, operation, type of resource, actor and outcome, with little and with all of its fields", () => {
    const seen = new Set<number>();
    let turn = 0;
    for (const kind of kinds) {
      for (const op of ops) {
        for (const type of types) {
          const actorType = actorTypes[turn % actorTypes.length];
          const status = statuses[turn % statuses.length];
          turn += 1;
          const name = kind === "http" ? "GET /records/:id" : "record.view";
          const bare = { kind, op, name };
          const { class_uid } = ocsf({
            actor: { type: actorType, id: "a1", ns: "idp" },
            action: bare,
            resources: [{ type, id: "r1" }],
            outcome: { status },
            source: {},
            trace: undefined,
            labels: undefined,
          });
          seen.add(class_uid);
          ocsf({ ...full(String(actorType), String(status)), action: bare, resources: fullResources(type) });
        }
      }
    }
    expect([...seen].sort((one, two) => one - two)).toEqual([
      3001, 3002, 3004, 3005, 3006, 4002, 6001, 6003, 6005, 6006,
    ]);
  });

  it("takes class and activity from kind and operation", () => {
    const of = (kind: string, op: string, type = "record", name = "x"): readonly unknown[] => {
      const { class_uid, activity_id, activity_name } = ocsf({
        action: { kind, op, name },
        resources: [{ type, id: "r" }],
      });
      return [class_uid, activity_id, activity_name];
    };
    expect(of("api", "READ")).toEqual([6003, 2, "Read"]);
    expect(of("api", "EXECUTE", "record", "report.run")).toEqual([6003, 99, "report.run"]);
    expect(of("api", "UNKNOWN")).toEqual([6003, 0, "Unknown"]);
    expect(of("http", "READ", "http.path", "GET")).toEqual([4002, 3, "Get"]);
    expect(of("http", "UPDATE", "http.path", "PATCH /a/:b")).toEqual([4002, 9, "Patch"]);
    expect(of("datastore", "LIST", "pg.table")).toEqual([6005, 8, "List"]);
    expect(of("auth", "AUTH")).toEqual([3002, 1, "Logon"]);
    expect(of("auth", "LOGOUT")).toEqual([3002, 2, "Logoff"]);
    expect(of("iam", "GRANT", "user")).toEqual([3005, 1, "Assign Privileges"]);
    expect(of("iam", "REVOKE", "okta.group")).toEqual([3006, 2, "Revoke Privileges"]);
    expect(of("iam", "CREATE", "aws.iam.user")).toEqual([3001, 1, "Create"]);
    expect(of("iam", "READ", "aws.iam.user")).toEqual([3004, 2, "Read"]);
    expect(of("iam", "CREATE", "policy")).toEqual([3004, 1, "Create"]);
    expect(of("file", "READ", "file")).toEqual([6006, 2, "Download"]);
    expect(of("tool", "EXPORT")).toEqual([6001, 7, "Export"]);
    const member = ocsf({
      action: { kind: "iam", op: "GRANT", name: "group.add" },
      resources: [
        { type: "group", id: "admins" },
        { type: "user", id: "bob", role: "affected" },
      ],
    });
    expect(member).toMatchObject({ class_uid: 3006, activity_id: 3, group: { uid: "admins" }, user: { uid: "bob" } });
  });

  it("tells a denial from a failure", () => {
    expect(ocsf({ outcome: { status: "denied", code: "403", reason: "no" } })).toMatchObject({
      status_id: 2,
      status_code: "403",
      status_detail: "no",
      action_id: 2,
      disposition_id: 26,
      metadata: { profiles: ["security_control"] },
    });
    expect(ocsf({ outcome: { status: "failure" } })).not.toHaveProperty("action_id");
    expect(ocsf({ outcome: { status: "pending" } })).toMatchObject({ status_id: 99, status: "pending" });
  });

  it("says who, from where, when and where it lies", () => {
    const line = lineOf({ source: { ip: "192.0.2.10", via: ["198.51.100.1", "unknown"] } });
    const event = exported(line, "cmVjZWlwdA==");
    expect(event).toMatchObject({
      time: Date.UTC(2026, 2, 1, 8, 30),
      actor: { user: { uid: "user-2", name: "Ada Example", type_id: 1, account: { uid: "example" } } },
      src_endpoint: { ip: "192.0.2.10", intermediate_ips: ["198.51.100.1"] },
      metadata: { uid: "e1", log_name: "main", tenant_uid: "acme", original_time: "2026-03-01T08:30:00.000000000Z" },
      raw_data_size: utf8(line).length,
      unmapped: {
        evident: { trail: "main", index: 7, leaf_hash: toHex(hashLeaf(utf8(line))), receipt: "cmVjZWlwdA==" },
        source: { via: ["unknown"] },
      },
    });
  });

  it("says that it does not know the source where the class wants one", () => {
    expect(ocsf({ source: {} })).toMatchObject({ class_uid: 6003, src_endpoint: { name: "unknown" } });
  });

  it("keeps numbers that a double would change", () => {
    const line = lineOf({ detail: { n: 1 } }).replace('"n":1', '"n":12345678901234567890.10');
    expect(formatOcsfEvent({ trail: "main", index: 0, line })).toContain('"n":12345678901234567890.10');
  });

  it("loses no field: what has no place in the class is in `unmapped`", () => {
    const event = ocsf({ ...full("user", "success"), native: { x: 1 } });
    const { unmapped } = event;
    expect(unmapped).toMatchObject({
      actor: { acting_as: { id: "root" }, on_behalf_of: [{ id: "boss" }], credential_kind: "api_key" },
      impact: { rows: "12345678901234567890" },
      trace: { parentId: "p" },
      detail: { note: "x" },
      native: { x: 1 },
      origin: { warnings: ["op:default"] },
    });
  });
});

describe("an entry without an event", () => {
  it("is a Base Event with its body", () => {
    const head = '{"v":1,"kind":"quarantine","received":"2026-03-01T08:30:01.000000000Z","sent":"AAAA",';
    const line = `${head}"quarantine":{"why":"conflict","reasons":[],"tenant":"acme","key":"k","line":1,"sizeBytes":3}}`;
    expect(exported(line)).toMatchObject({
      class_uid: 0,
      type_uid: 99,
      message: "quarantine: conflict",
      unmapped: { quarantine: { why: "conflict" } },
    });
    const statement =
      '{"v":1,"kind":"statement","received":"2026-03-01T08:30:01.000000000Z","sent":"AAAA","statement":{"type":"key_created"}}';
    expect(exported(statement)).toMatchObject({ message: "statement: key_created" });
  });
});

describe("the check of these tests", () => {
  it("finds what a class lacks, what it does not have and values that do not exist", () => {
    const event = ocsf();
    expect(checkOcsf({ ...event, actor: undefined })).toEqual(["event.actor is no object", "event.actor is missing"]);
    expect(checkOcsf({ ...event, actor: {} })).toHaveLength(1);
    expect(checkOcsf({ ...event, database: {} })).toEqual(["event.database is no attribute there"]);
    expect(checkOcsf({ ...event, type_uid: 1 })).toHaveLength(1);
    expect(checkOcsf({ ...event, severity_id: 7 })).toHaveLength(1);
    expect(checkOcsf({ ...event, time: "2026" })).toHaveLength(1);
  });
});

function fullResources(type: string): readonly object[] {
  return [
    { type, id: "https://example.com/a", name: "A", uid: "u", scope: ["acct", "host"] },
    { type: "user", id: "bob", role: "affected" },
    { type: "k8s.role", id: "admin", role: "related" },
  ];
}

function full(actorType: string, status: string): Changes {
  const time = "2026-03-01T08:30:00.000000000Z";
  return {
    time: { occurred: time, ended: "2026-03-01T08:30:00.500000000Z", precision: "ms", basis: "event", tz: "stated" },
    actor: {
      type: actorType,
      id: "a1",
      ns: "idp",
      name: "Ada",
      email: "ada@example.com",
      groups: ["g1"],
      session: { id: "s1", created: time, mfa: true, issuer: "https://idp" },
      credential: { kind: "api_key", id: "k1" },
      actingAs: { type: "user", id: "root", ns: "os" },
      onBehalfOf: [{ type: "user", id: "boss", ns: "idp" }],
    },
    outcome: { status, code: "42501", reason: "no right" },
    source: {
      ip: "2001:db8::1",
      port: 443,
      ipTrust: "forwarded",
      via: ["192.0.2.1"],
      service: "svc",
      host: "h1",
      userAgent: "ua/1",
      geo: { country: "DE", region: "BE", city: "Berlin", lat: 52.5, lon: -13.4, asn: "64500", org: "Example" },
    },
    impact: { rows: "12345678901234567890", bytesIn: "10", bytesOut: "20", fields: ["a"], truncated: true },
    trace: { requestId: "r", traceId: "t", spanId: "sp", correlationId: "c", parentId: "p" },
    origin: {
      tenant: "acme",
      source: "s",
      system: "records",
      adapter: "cloudtrail",
      nativeId: "n1",
      nativeVersion: "1.11",
      seq: "5",
      lossy: false,
      warnings: ["op:default"],
    },
    labels: ["phi"],
    detail: { note: "x" },
  };
}
