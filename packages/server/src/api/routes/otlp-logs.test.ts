import { gzipSync, zstdCompressSync } from "node:zlib";
import type { AccessEvent, Entry } from "@evident/core";
import { SeverityNumber } from "@opentelemetry/api";
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Ledger, Pressure } from "../../ledger/index.ts";
import { startApi, type TestApi } from "../testing/index.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

let api: TestApi;
let key: string;
let pressures: Pressure[] = [];

/** Answers with the given pressures first. */
function wrapLedger(ledger: Ledger): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      if (name === "pressure") return () => pressures.shift() ?? target.pressure();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

beforeAll(async () => {
  api = await startApi({ wrapLedger });
  key = (await api.makeKey({ role: "producer", sources: ["shop"] })).key;
});
afterAll(() => api.close());
afterEach(() => {
  pressures = [];
});

const sizeOfMain = (): number => api.ledger.trail("main")?.size ?? 0;

async function eventsFrom(first: number): Promise<readonly AccessEvent[]> {
  const found: AccessEvent[] = [];
  for (let index = first; index < sizeOfMain(); index += 1) {
    const entry = JSON.parse(Buffer.from((await api.ledger.entry("main", index)) ?? []).toString()) as Entry;
    if (entry.kind === "event") found.push(entry.event);
  }
  return found;
}

function post(
  body: Uint8Array<ArrayBuffer> | string,
  type: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return api.fetch("/v1/logs", { method: "POST", key, headers: { "content-type": type, ...headers }, body });
}

const byText = (left: string, right: string): number => (left < right ? -1 : 1);
const logRecord = (id: string, change: object = {}): object => ({
  timeUnixNano: "1764062400123456789",
  eventName: "order.read",
  attributes: [
    { key: "log.record.uid", value: { stringValue: id } },
    { key: "user.id", value: { stringValue: "u-17" } },
    { key: "access.op", value: { stringValue: "READ" } },
    { key: "access.resource.type", value: { stringValue: "order" } },
    { key: "access.resource.id", value: { stringValue: "o-1" } },
  ],
  ...change,
});
const requestOf = (...logRecords: readonly unknown[]): string =>
  JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });

describe.each([
  ["protobuf", ProtobufExporter, "none"],
  ["protobuf with gzip", ProtobufExporter, "gzip"],
  ["JSON", JsonExporter, "none"],
  ["JSON with gzip", JsonExporter, "gzip"],
] as const)("the OpenTelemetry SDK's exporter of %s", (name, Exporter, compression) => {
  it("delivers every record once, also when it is told to wait in between", async () => {
    const before = sizeOfMain();
    const refusedBefore = api.logged().split('"status":429').length - 1;
    const exporter = new Exporter({
      url: `${api.api.url}/v1/logs`,
      headers: { authorization: `Bearer ${key}` },
      compression: compression as never,
    });
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ "service.name": `shop ${name}` }),
      processors: [
        new BatchLogRecordProcessor({
          exporter,
          maxQueueSize: 4_096,
          maxExportBatchSize: 256,
          scheduledDelayMillis: 50,
        }),
      ],
    });
    const logger = provider.getLogger("orders", "1.0");
    const busy: Pressure = { kind: "busy", pendingBytes: 1, retryAfterSeconds: 1 };
    for (let i = 0; i < 1_000; i += 1) {
      if (i === 500) pressures = [busy];
      logger.emit({
        eventName: "order.read",
        severityNumber: SeverityNumber.INFO,
        body: `order ${i} read`,
        attributes: {
          "user.id": `u-${i % 7}`,
          "access.op": "READ",
          "access.resource.type": "order",
          "access.resource.id": `o-${i}`,
          "client.address": "203.0.113.9",
          nested: { deep: [1, { more: true }] },
        },
      });
    }
    await provider.shutdown();
    expect(api.logged().split('"status":429').length - 1).toBe(refusedBefore + 1);
    const events = await eventsFrom(before);
    const ids = events.map(({ resources }) => resources[0]?.id ?? "");
    expect(ids.toSorted(byText)).toEqual(Array.from({ length: 1_000 }, (_, i) => `o-${i}`).toSorted(byText));
    expect(new Set(events.map(({ id }) => id)).size).toBe(1_000);
    expect(events[8]).toMatchObject({
      actor: { type: "user", id: "u-1" },
      action: { op: "READ", name: "order.read" },
      resources: [{ type: "order", id: "o-8" }],
      source: { ip: "203.0.113.9" },
      origin: { adapter: "otel", source: "shop" },
    });
  });
});

describe("POST /v1/logs", () => {
  it("answers in the request's encoding, and counts what is in quarantine as rejected", async () => {
    const good = await post(requestOf(logRecord("a-1")), JSON_TYPE);
    expect([good.status, good.headers.get("content-type"), await good.json()]).toEqual([200, JSON_TYPE, {}]);
    const mixed = await post(requestOf(logRecord("a-2"), 7, logRecord("a-3")), JSON_TYPE);
    const { partialSuccess } = (await mixed.json()) as { partialSuccess: Record<string, string> };
    expect([mixed.status, partialSuccess["rejectedLogRecords"]]).toEqual([200, "1"]);
    expect(partialSuccess["errorMessage"]).toMatch(/quarantine/);
    const empty = await post(new Uint8Array(), PROTOBUF);
    expect([empty.status, empty.headers.get("content-type"), (await empty.arrayBuffer()).byteLength]).toEqual([
      200,
      PROTOBUF,
      0,
    ]);
  });

  it("stores a request once that is sent again, plain, with gzip or with zstd, records without ids too", async () => {
    const before = sizeOfMain();
    const body = requestOf(logRecord("b-1"), logRecord("", { attributes: [] }), logRecord("b-2"));
    expect((await post(body, JSON_TYPE)).status).toBe(200);
    const stored = sizeOfMain();
    expect(stored).toBeGreaterThan(before + 1);
    const gzip = { "content-encoding": "gzip" };
    expect((await post(new Uint8Array(gzipSync(body)), JSON_TYPE, gzip)).status).toBe(200);
    const zstd = { "content-encoding": "zstd" };
    expect((await post(new Uint8Array(zstdCompressSync(body)), JSON_TYPE, zstd)).status).toBe(200);
    expect(sizeOfMain()).toBe(stored);
  });

  it("answers failures with google.rpc.Status: what is wrong for good with 4xx, what may come again with 429 and 503", async () => {
    const bad = await post("{", JSON_TYPE);
    expect([bad.status, await bad.json()]).toMatchObject([
      400,
      { code: 3, message: expect.stringMatching(/not JSON/) },
    ]);
    const damaged = await post(Uint8Array.from([0x0a, 0x7f]), PROTOBUF);
    expect([damaged.status, damaged.headers.get("content-type")]).toEqual([400, PROTOBUF]);
    expect([...new Uint8Array(await damaged.arrayBuffer()).subarray(0, 2)]).toEqual([0x08, 3]);
    expect((await post("x", "text/plain")).status).toBe(415);
    expect((await post("{}", JSON_TYPE, { "content-encoding": "br" })).status).toBe(415);
    pressures = [{ kind: "busy", pendingBytes: 1, retryAfterSeconds: 7 }];
    const busy = await post(requestOf(logRecord("c-1")), JSON_TYPE);
    expect([busy.status, busy.headers.get("retry-after"), await busy.json()]).toMatchObject([429, "7", { code: 14 }]);
    pressures = [{ kind: "full", detail: "" }];
    const full = await post(requestOf(logRecord("c-1")), JSON_TYPE);
    expect([full.status, full.headers.get("retry-after")]).toEqual([503, "1"]);
    const nobody = await api.fetch("/v1/logs", {
      method: "POST",
      key: "",
      headers: { "content-type": JSON_TYPE },
      body: "{}",
    });
    expect([nobody.status, await nobody.json()]).toMatchObject([401, { code: 16 }]);
  });

  it("refuses a body that is too large once it is decompressed", async () => {
    const large = new Uint8Array(gzipSync(Buffer.alloc(30 * 1024 * 1024, " ")));
    const answer = await post(large, JSON_TYPE, { "content-encoding": "gzip" });
    expect(answer.status).toBe(413);
  });
});
