import { describe, expect, it } from "vitest";
import { flattenOtlp } from "./flatten-otlp.ts";

const camel = {
  resourceLogs: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "orders" } }] },
      schemaUrl: "https://opentelemetry.io/schemas/1.44.0",
      scopeLogs: [
        {
          scope: { name: "shop", version: "1.2" },
          logRecords: [
            {
              timeUnixNano: "1764062400123456789",
              observedTimeUnixNano: "1764062400200000000",
              severityNumber: 9,
              severityText: "INFO",
              eventName: "order.read",
              body: { stringValue: "order read" },
              attributes: [
                { key: "user.id", value: { stringValue: "u-17" } },
                { key: "count", value: { intValue: "42" } },
                { key: "big", value: { intValue: "9007199254740993" } },
                { key: "ratio", value: { doubleValue: 0.5 } },
                { key: "yes", value: { boolValue: false } },
                { key: "raw", value: { bytesValue: "AAEC" } },
                { key: "list", value: { arrayValue: { values: [{ stringValue: "a" }, { intValue: "1" }, {}] } } },
                { key: "map", value: { kvlistValue: { values: [{ key: "k", value: { stringValue: "v" } }] } } },
              ],
              traceId: "5B8EFFF798038103D269B633813FC60C",
              spanId: "EEE19B7EC3C1B174",
              flags: 1,
            },
          ],
        },
      ],
    },
  ],
};

describe("the log records of an OTLP request", () => {
  it("come out one by one with their resource and scope, and every value as plain JSON", () => {
    expect(flattenOtlp(camel)).toEqual([
      {
        resource: { attributes: { "service.name": "orders" }, schemaUrl: "https://opentelemetry.io/schemas/1.44.0" },
        scope: { name: "shop", version: "1.2", attributes: {} },
        logRecord: {
          timeUnixNano: "1764062400123456789",
          observedTimeUnixNano: "1764062400200000000",
          severityNumber: 9,
          severityText: "INFO",
          eventName: "order.read",
          body: "order read",
          attributes: {
            "user.id": "u-17",
            count: 42,
            big: "9007199254740993",
            ratio: 0.5,
            yes: false,
            raw: "AAEC",
            list: ["a", 1, null],
            map: { k: "v" },
          },
          flags: 1,
          traceId: "5b8efff798038103d269b633813fc60c",
          spanId: "eee19b7ec3c1b174",
        },
      },
    ]);
  });

  it("may have their names in snake_case, ids in base64 or bytes, and numbers as a decoder gives them", () => {
    const record = {
      time_unix_nano: 1_764_062_400_123_456_789n,
      observed_time_unix_nano: 0,
      severity_number: 17,
      trace_id: "W47/95gDgQPSabYzgT/GDA==",
      span_id: new Uint8Array([0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74]),
      event_name: "x",
      dropped_attributes_count: 2,
      attributes: [
        { key: "a", value: { string_value: "b" } },
        { key: "n", value: { int_value: 7n } },
        { key: "b", value: { bytes_value: new Uint8Array([1, 2]) } },
      ],
    };
    const request = { resource_logs: [{ scope_logs: [{ log_records: [record] }] }] };
    expect(flattenOtlp(request)).toEqual([
      {
        resource: { attributes: {} },
        scope: { attributes: {} },
        logRecord: {
          timeUnixNano: "1764062400123456789",
          severityNumber: 17,
          eventName: "x",
          attributes: { a: "b", n: 7, b: "AQI=" },
          droppedAttributesCount: 2,
          traceId: "5b8efff798038103d269b633813fc60c",
          spanId: "eee19b7ec3c1b174",
        },
      },
    ]);
  });

  it("keep what a hostile sender repeats, and a key called __proto__ stays a key", () => {
    const attributes = [
      { key: "user.id", value: { stringValue: "alice" } },
      { key: "user.id", value: { stringValue: "root" } },
      { key: "user.id", value: { stringValue: "eve" } },
      { key: "__proto__", value: { stringValue: "polluted" } },
      "no pair",
      { value: { stringValue: "no key" } },
    ];
    const [first] = flattenOtlp({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes }] }] }] }) ?? [];
    const text = JSON.stringify(first?.logRecord);
    expect(text).toBe('{"attributes":{"user.id":["alice","root","eve"],"__proto__":"polluted"}}');
  });

  it("are none of a request without any, and undefined of what is no request", () => {
    expect(flattenOtlp({})).toEqual([]);
    expect(flattenOtlp({ resourceLogs: [{ resource: {} }] })).toEqual([]);
    expect(flattenOtlp([])).toBeUndefined();
    expect(flattenOtlp({ resourceLogs: "x" })).toBeUndefined();
    expect(flattenOtlp(null)).toBeUndefined();
  });

  it("come out as they are where they are no objects, so that nothing is lost", () => {
    const request = { resourceLogs: [7, { scopeLogs: ["x", { logRecords: [null] }] }] };
    expect(flattenOtlp(request)?.map(({ logRecord }) => logRecord)).toEqual([7, "x", null]);
  });
});
