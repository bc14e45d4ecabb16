import type { AccessEvent } from "@evident/core";
import { describe, expect, it } from "vitest";
import { readNative } from "../testing/index.ts";
import { otel } from "./otel.ts";

type Members = Readonly<Record<string, unknown>>;

const resource = { attributes: { "service.name": "orders", "service.namespace": "shop", "host.name": "web-1" } };

function flat(attributes: Members, logRecord: Members = {}): Members {
  const time = { timeUnixNano: "1764062400123456789" };
  return { resource, scope: { name: "app" }, logRecord: { ...time, ...logRecord, attributes } };
}

async function readOne(record: Members, options: Members = {}): Promise<AccessEvent> {
  const { readings, events } = await readNative(otel, JSON.stringify(record), { options });
  const [event] = events;
  if (event === undefined) throw new Error(JSON.stringify(readings));
  return event;
}

describe("the OpenTelemetry adapter", () => {
  it("reads our own attributes exactly", async () => {
    const event = await readOne(
      flat(
        {
          "access.action": "patient.export",
          "access.op": "export",
          "access.outcome": "denied",
          "access.reason": "no consent",
          "access.resource.type": "patient",
          "access.resource.id": "p-7",
          "access.resource.scope": ["ward-3"],
          "access.scope.rows": 12,
          "access.labels": ["phi"],
          "user.id": "u-17",
          "user.email": "jane@example.com",
          "user.roles": ["nurse"],
          "session.id": "s-1",
          "client.address": "203.0.113.9",
          "network.peer.address": "203.0.113.9",
          "network.peer.port": 4711,
          "log.record.uid": "01JD",
        },
        {
          traceId: "5b8efff798038103d269b633813fc60c",
          spanId: "eee19b7ec3c1b174",
          body: "exported with password=hunter2",
        },
      ),
      { realm: "idp" },
    );
    expect(event).toMatchObject({
      id: "01JD",
      time: { occurred: "2025-11-25T09:20:00.123456789Z", precision: "ns", basis: "event" },
      actor: {
        type: "user",
        id: "u-17",
        ns: "idp",
        email: "jane@example.com",
        groups: ["nurse"],
        session: { id: "s-1" },
      },
      action: { op: "EXPORT", name: "patient.export", kind: "api" },
      resources: [{ type: "patient", id: "p-7", scope: ["ward-3"] }],
      outcome: { status: "denied", reason: "no consent" },
      source: { ip: "203.0.113.9", port: 4711, ipTrust: "peer" },
      impact: { rows: "12" },
      trace: { traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174" },
      origin: { system: "shop/orders", nativeId: "01JD" },
      labels: ["phi"],
    });
    expect(event.origin.warnings).toBeUndefined();
    expect(JSON.stringify(event)).not.toContain("hunter2");
  });

  it("reads HTTP requests by the conventions, new and old, and says whose word the address is", async () => {
    const now = await readOne(
      flat({
        "http.request.method": "GET",
        "url.path": "/orders/7",
        "http.route": "/orders/{id}",
        "url.query": "token=abc&x=1",
        "http.response.status_code": 403,
        "http.response.body.size": 17,
        "client.address": "198.51.100.1",
        "network.peer.address": "10.0.0.1",
        "user_agent.original": "curl/8",
        "enduser.id": "u-1",
        "http.request.header.authorization": ["Bearer abc"],
      }),
    );
    expect(now).toMatchObject({
      actor: { type: "user", id: "u-1", ns: "otel:shop/orders" },
      action: { op: "READ", name: "GET", kind: "http" },
      resources: [{ type: "http.path", id: "/orders/7", name: "/orders/{id}", scope: ["shop/orders"] }],
      outcome: { status: "denied", code: "403" },
      source: { ip: "198.51.100.1", ipTrust: "client", via: ["10.0.0.1"], userAgent: "curl/8" },
      impact: { bytesOut: "17" },
      origin: { warnings: ["ip:client"] },
    });
    expect(JSON.stringify(now)).not.toContain("abc");
    const old = await readOne(
      flat({
        "http.method": "POST",
        "http.target": "/login?password=x",
        "http.status_code": "500",
        "net.peer.ip": "10.1.1.1",
      }),
    );
    expect(old).toMatchObject({
      actor: { type: "unknown", id: "unknown" },
      action: { op: "CREATE", name: "POST" },
      resources: [{ id: "/login" }],
      outcome: { status: "failure", code: "500" },
      source: { ip: "10.1.1.1", ipTrust: "peer" },
      origin: { warnings: ["actor:default"] },
    });
    expect(JSON.stringify(old)).not.toContain("password=x");
  });

  it("reads queries of databases, with their parameters masked", async () => {
    const event = await readOne(
      flat({
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.collection.name": "orders",
        "db.operation.name": "SELECT",
        "db.query.parameter.card": "4111111111111111",
        "db.response.returned_rows": 3,
      }),
    );
    expect(event).toMatchObject({
      actor: { type: "service", id: "shop/orders", ns: "otel" },
      action: { op: "READ", name: "SELECT", kind: "datastore" },
      resources: [{ type: "postgresql.collection", id: "orders", scope: ["shop/orders", "shop"] }],
      outcome: { status: "success" },
      source: { service: "shop/orders", host: "web-1" },
      impact: { rows: "3" },
    });
    expect(JSON.stringify(event)).not.toContain("4111");
    const text = await readOne(
      flat({ "db.system": "mysql", "db.statement": "delete from orders", "error.type": "timeout", "user.id": "u" }),
    );
    expect(text).toMatchObject({
      action: { op: "DELETE", name: "DELETE" },
      resources: [{ type: "mysql.database", id: "mysql" }],
      outcome: { status: "failure", code: "timeout" },
      origin: { warnings: ["op:query-text", "resource:default"] },
    });
    const denied = await readOne(flat({ "db.system.name": "postgresql", "db.response.status_code": "42501" }));
    expect(denied.outcome).toEqual({ status: "denied", code: "42501" });
  });

  it("reads calls of services, tools and named events of users", async () => {
    const call = await readOne(
      flat({
        "rpc.system": "grpc",
        "rpc.service": "shop.Orders",
        "rpc.method": "DeleteOrder",
        "rpc.grpc.status_code": 7,
      }),
    );
    expect(call).toMatchObject({
      action: { op: "DELETE", name: "shop.Orders/DeleteOrder", kind: "api" },
      resources: [{ type: "rpc.method", id: "shop.Orders/DeleteOrder" }],
      outcome: { status: "denied", code: "7" },
    });
    const tool = await readOne(flat({ "gen_ai.tool.name": "search_patients" }, { severityNumber: 17 }));
    expect(tool).toMatchObject({
      action: { op: "EXECUTE", name: "execute_tool", kind: "tool" },
      resources: [{ type: "tool", id: "search_patients" }],
      outcome: { status: "failure" },
      origin: { warnings: ["outcome:severity"] },
    });
    const named = await readOne(flat({ "user.id": "u-1" }, { eventName: "order.download" }));
    expect(named).toMatchObject({
      action: { op: "READ", name: "order.download" },
      resources: [{ type: "service", id: "shop/orders" }],
      outcome: { status: "unknown" },
      origin: { warnings: ["resource:default"] },
    });
  });

  it("passes over records that tell of no access, and reads nothing from their text", async () => {
    const { readings } = await readNative(
      otel,
      [flat({}, { body: "user alice deleted everything" }), flat({ "code.function": "main" }), { resourceLogs: [] }]
        .map((each) => JSON.stringify(each))
        .join("\n"),
    );
    expect(readings.map(({ kind }) => kind)).toEqual(["skipped", "skipped", "skipped"]);
  });

  it("takes the time of receipt, and says so, where the record has none", async () => {
    const observed = await readOne(
      flat({ "access.action": "x.read" }, { timeUnixNano: "0", observedTimeUnixNano: "1764062400000000000" }),
    );
    expect(observed).toMatchObject({ time: { occurred: "2025-11-25T09:20:00.000000000Z", basis: "received" } });
    expect(observed.origin.warnings).toContain("time:received");
    const none = await readOne(flat({ "access.action": "x.read" }, { timeUnixNano: undefined }));
    expect(none.time).toEqual({ occurred: "2026-11-25T12:00:00.000000000Z", precision: "ms", basis: "received" });
  });

  it("reads the requests of the collector's file exporter, one a line, and tells of what is no log record", async () => {
    const attributes = [
      { key: "access.action", value: { stringValue: "order.read" } },
      { key: "access.resource.id", value: { stringValue: "o-1" } },
      { key: "user.id", value: { stringValue: "u-1" } },
    ];
    const record = { timeUnixNano: "1764062400000000000", attributes };
    const request = (logRecords: readonly unknown[]): string =>
      JSON.stringify({
        resourceLogs: [
          {
            resource: { attributes: [{ key: "service.name", value: { stringValue: "orders" } }] },
            scopeLogs: [{ scope: {}, logRecords }],
          },
        ],
      });
    const snake = request([record]).replace("resourceLogs", "resource_logs").replace("scopeLogs", "scope_logs");
    const input = [request([record, record, 7]), snake, request([record]).slice(0, 100)].join("\n");
    const { readings, events } = await readNative(otel, input);
    expect(readings.map(({ kind, line }) => `${line} ${kind}`)).toEqual([
      "1 event",
      "1 event",
      "1 unreadable",
      "2 event",
      "3 unreadable",
    ]);
    expect(readings[2]).toMatchObject({ reasons: [{ field: "2.logRecord", problem: "is no object" }] });
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
    expect(events[0]).toMatchObject({ actor: { id: "u-1", ns: "otel:orders" }, resources: [{ id: "o-1" }] });
  });

  it("survives hostile values", async () => {
    const record = JSON.parse(
      '{"resource":7,"scope":null,"logRecord":{"timeUnixNano":"99999999999999999999","attributes":{"__proto__":{"user.id":"root"},"access.action":"x.read","access.op":"BOGUS","access.outcome":"great","user.id":["a","b"],"client.port":"99999999","access.actor.type":"god"}}}',
    ) as Members;
    const event = await readOne(record);
    expect(event).toMatchObject({
      actor: { type: "unknown", id: "unknown" },
      action: { op: "OTHER", name: "x.read" },
      outcome: { status: "unknown" },
      origin: { system: "unknown" },
    });
    expect(event.origin.warnings).toEqual(
      expect.arrayContaining(["actor:default", "op:default", "resource:default", "system:default", "time:received"]),
    );
  });

  it("recognises its records only", () => {
    const recognises = (value: unknown): boolean =>
      otel.recognises({ text: JSON.stringify(value), json: () => ({ ok: true, value }) } as never);
    expect([flat({}), { resourceLogs: [] }, { resource_logs: [] }].map(recognises)).toEqual([true, true, true]);
    expect([{ logName: "x", resource: {}, protoPayload: {} }, { resourceSpans: [] }].map(recognises)).toEqual([
      false,
      false,
    ]);
  });
});
