import { describe, expect, it } from "vitest";
import { hasSharedData, measurePrecision, pantherEvents, readNative } from "../testing/index.ts";
import { gcp } from "./gcp.ts";

describe.skipIf(!hasSharedData)("real Google Cloud log entries", () => {
  it("of a vendor's rule tests are read but for those without time or method", async () => {
    const { readings, events } = await readNative(gcp, pantherEvents("GCP.AuditLog"));
    const unread = readings.flatMap((reading) =>
      reading.kind === "unreadable" ? [`${reading.line} ${reading.reasons[0]?.field}`] : [],
    );
    expect([readings.length, events.length]).toEqual([86, 75]);
    expect(unread).toEqual([
      "3 protoPayload.methodName",
      "19 timestamp",
      "21 protoPayload.methodName",
      "40 protoPayload.methodName",
      "41 protoPayload.methodName",
      "56 protoPayload.methodName",
      "68 timestamp",
      "74 timestamp",
      "75 timestamp",
      "76 timestamp",
      "77 timestamp",
    ]);
    expect(measurePrecision(events)).toEqual({
      actor: 89.3,
      operation: 100,
      resource: 92,
      scope: 98.7,
      outcome: 93.3,
      source: 64,
    });
  });

  it("of clusters among other clouds' samples have no time, and say so", async () => {
    const lines = pantherEvents("Amazon.EKS.Audit_Azure.MonitorActivity_GCP.AuditLog").split("\n");
    const own = lines.filter((line) =>
      Object.hasOwn(JSON.parse(line) as Readonly<Record<string, unknown>>, "protoPayload"),
    );
    const { readings } = await readNative(gcp, own.join("\n"));
    const fields = readings.map((reading) =>
      reading.kind === "unreadable" ? reading.reasons[0]?.field : reading.kind,
    );
    expect(fields).toEqual(Array.from({ length: 15 }, () => "timestamp"));
  });
});
