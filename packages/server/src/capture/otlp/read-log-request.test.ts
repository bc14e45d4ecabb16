import { EvidentError } from "@evident/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BodyLine } from "../body-line.ts";
import { type OtlpEncoding, readLogRequest, writeLogResponse, writeStatus } from "./index.ts";

/** Protocol Buffers as a sender writes them. */
const varint = (value: bigint): number[] =>
  value < 0x80n ? [Number(value)] : [Number(value & 0x7fn) | 0x80, ...varint(value >> 7n)];
const tag = (field: number, wire: number): number[] => varint(BigInt(field * 8 + wire));
const message = (field: number, ...parts: readonly (readonly number[])[]): number[] => {
  const content = parts.flat();
  return [...tag(field, 2), ...varint(BigInt(content.length)), ...content];
};
const text = (field: number, value: string): number[] => message(field, [...Buffer.from(value)]);
const number = (field: number, value: bigint): number[] => [...tag(field, 0), ...varint(BigInt.asUintN(64, value))];
const fixed64 = (field: number, value: bigint): number[] => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return [...tag(field, 1), ...bytes];
};
const double = (field: number, value: number): number[] => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [...tag(field, 1), ...bytes];
};
const attribute = (field: number, key: string, value: readonly number[]): number[] =>
  message(field, text(1, key), message(2, value));

const time = 1_764_062_400_123_456_789n;
const record = [
  fixed64(1, time),
  fixed64(11, time + 1n),
  number(2, 9n),
  text(3, "INFO"),
  message(5, text(1, "order read")),
  attribute(6, "user.id", text(1, "u-17")),
  attribute(6, "no", number(2, 0n)),
  attribute(6, "count", number(3, -42n)),
  attribute(6, "big", number(3, 9_007_199_254_740_993n)),
  attribute(6, "ratio", double(4, 0.5)),
  attribute(6, "nan", double(4, Number.NaN)),
  attribute(6, "list", message(5, message(1, text(1, "a")), message(1, number(3, 1n)))),
  attribute(6, "map", message(6, attribute(1, "k", text(1, "v")))),
  attribute(6, "raw", message(7, [0, 1, 2])),
  attribute(6, "last", [...text(1, "first"), ...number(3, 7n)]),
  number(7, 3n),
  [...tag(8, 5), 1, 0, 0, 0],
  message(9, [...Buffer.from("5b8efff798038103d269b633813fc60c", "hex")]),
  message(10, [...Buffer.from("eee19b7ec3c1b174", "hex")]),
  text(12, "order.read"),
  // A field of a later version of the protocol.
  text(99, "new"),
];
const resource = message(1, attribute(1, "service.name", text(1, "orders")));
const scope = message(1, text(1, "shop"), text(2, "1.2"));
const whole = Uint8Array.from(
  message(
    1,
    message(2, message(2, ...record), scope, message(2, fixed64(1, time))),
    text(3, "https://opentelemetry.io/schemas/1.44.0"),
    resource,
  ),
);

function linesOf(body: Uint8Array, encoding: OtlpEncoding = "protobuf"): readonly BodyLine[] {
  return [...readLogRequest(body, encoding).chunks()].flat();
}

function valuesOf(body: Uint8Array, encoding?: OtlpEncoding): readonly unknown[] {
  return linesOf(body, encoding).map((line) => (line.kind === "text" ? (JSON.parse(line.text) as unknown) : line.kind));
}

function outcome(body: Uint8Array, encoding: OtlpEncoding): string {
  try {
    valuesOf(body, encoding);
    return "read";
  } catch (error) {
    return error instanceof EvidentError ? error.code : String(error);
  }
}

describe("readLogRequest", () => {
  it("reads every kind of value from protobuf, whatever the order of the fields, and passes over those of later versions", () => {
    const shared = {
      resource: { attributes: { "service.name": "orders" }, schemaUrl: "https://opentelemetry.io/schemas/1.44.0" },
      scope: { name: "shop", version: "1.2", attributes: {} },
    };
    expect(valuesOf(whole)).toEqual([
      {
        ...shared,
        logRecord: {
          timeUnixNano: "1764062400123456789",
          observedTimeUnixNano: "1764062400123456790",
          severityNumber: 9,
          severityText: "INFO",
          body: "order read",
          attributes: {
            "user.id": "u-17",
            no: false,
            count: -42,
            big: "9007199254740993",
            ratio: 0.5,
            nan: "NaN",
            list: ["a", 1],
            map: { k: "v" },
            raw: "AAEC",
            last: 7,
          },
          droppedAttributesCount: 3,
          flags: 1,
          traceId: "5b8efff798038103d269b633813fc60c",
          spanId: "eee19b7ec3c1b174",
          eventName: "order.read",
        },
      },
      { ...shared, logRecord: { timeUnixNano: "1764062400123456789", attributes: {} } },
    ]);
  });

  it("says whether every record has a time: only then are equal bytes the same records", () => {
    expect(readLogRequest(whole, "protobuf").isTimed).toBe(true);
    const timeless = Uint8Array.from(message(1, message(2, message(2, text(3, "INFO")))));
    expect(readLogRequest(timeless, "protobuf").isTimed).toBe(false);
    const json = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: "1" }, {}] }] }] };
    expect(readLogRequest(Buffer.from(JSON.stringify(json)), "json").isTimed).toBe(false);
  });

  it("reads an empty request", () => {
    expect(valuesOf(new Uint8Array())).toEqual([]);
    expect(valuesOf(Buffer.from("{}"), "json")).toEqual([]);
  });

  it("gives a record with text that is not UTF-8 with its bytes, and the others", () => {
    const bad = message(2, fixed64(1, time), [...tag(3, 2), 2, 0xff, 0xfe]);
    const lines = linesOf(Uint8Array.from(message(1, message(2, bad, message(2, fixed64(1, time))))));
    expect(lines).toMatchObject([
      { kind: "invalid_utf8", line: 1, bytes: new Uint8Array(bad.slice(2)) },
      { kind: "text", line: 2 },
    ]);
  });

  it("numbers the records of all groups, some hundreds at a time", () => {
    const group = message(1, message(2, ...Array.from({ length: 1_500 }, () => message(2, fixed64(1, time)))));
    const lines = linesOf(Uint8Array.from([...group, ...group]));
    expect(lines.map(({ line }) => line)).toEqual(Array.from({ length: 3_000 }, (_, i) => i + 1));
  });

  it.each([
    ["is cut off", whole.subarray(0, whole.length - 1)],
    ["has a length beyond its end", Uint8Array.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f])],
    ["has a number without end", Uint8Array.from([0x0a, ...Array.from({ length: 11 }, () => 0xff)])],
    ["has a group", Uint8Array.from([0x0b])],
    ["has field 0", Uint8Array.from([0x02, 0x00])],
    ["has a number where records should stand", Uint8Array.from([0x08, 0x01])],
    ["is text", Buffer.from('{"resourceLogs":[]}')],
    [
      "has a resource that is not UTF-8",
      Uint8Array.from(message(1, message(1, message(1, [...tag(1, 2), 1, 0xff], message(2))), message(2, message(2)))),
    ],
  ])("refuses a body that %s, before it yields a record", (_, body) => {
    expect(() => readLogRequest(body, "protobuf")).toThrow(EvidentError);
  });

  it("refuses more records in one group than anybody sends: empty ones take two bytes in a body, and much more in memory", () => {
    const lengthOf = (sizeBytes: number): readonly number[] =>
      sizeBytes < 128 ? [sizeBytes] : [(sizeBytes & 127) | 128, ...lengthOf(sizeBytes >>> 7)];
    const wrap = (tag: number, content: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
    const body = (count: number): Buffer => wrap(0x0a, wrap(0x12, Buffer.alloc(count * 2, Buffer.from([0x12, 0]))));
    expect(linesOf(body(2_000))).toHaveLength(2_000);
    expect(() => readLogRequest(body(200_001), "protobuf")).toThrow(/more than 200000 records/);
    expect(() => readLogRequest(wrap(0x0a, Buffer.alloc(400_002, Buffer.from([0x12, 0]))), "protobuf")).toThrow(
      /more than/,
    );
  });

  it("refuses values nested without end, in either encoding", () => {
    let value = text(1, "x");
    for (let i = 0; i < 500; i += 1) value = message(5, message(1, value));
    const body = Uint8Array.from(message(1, message(2, message(2, message(5, value)))));
    expect(outcome(body, "protobuf")).toBe("bad_request");
    expect(outcome(Buffer.from("[".repeat(1_000_000)), "json")).toBe("bad_request");
    expect(outcome(Buffer.from(`{"resourceLogs":${"[".repeat(500)}${"]".repeat(500)}}`), "json")).toBe("bad_request");
  });

  it("never fails otherwise than with bad_request, whatever the bytes", () => {
    const damaged = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const check = fc.check(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (body) =>
        (["protobuf", "json"] as const).every((encoding) => ["read", "bad_request"].includes(outcome(body, encoding))),
      ),
      { numRuns: 3_000 },
    );
    expect(check.counterexample, `seed ${check.seed}`).toBeNull();
  });
});

describe("the answers", () => {
  it("leave partial_success unset when nothing was rejected, and are the bytes of the protocol otherwise", () => {
    expect(writeLogResponse("protobuf", 0, "").length).toBe(0);
    expect(writeLogResponse("json", 0, "").toString()).toBe("{}");
    expect([...writeLogResponse("protobuf", 300, "why")]).toEqual(message(1, number(1, 300n), text(2, "why")));
    expect(JSON.parse(writeLogResponse("json", 300, "why").toString())).toEqual({
      partialSuccess: { rejectedLogRecords: "300", errorMessage: "why" },
    });
    expect([...writeStatus("protobuf", 14, "later")]).toEqual([...number(1, 14n), ...text(2, "later")]);
  });
});
