import { readdirSync } from "node:fs";
import type { AccessEvent } from "@evident/core";
import { describe, expect, it } from "vitest";
import { hasSharedData, measurePrecision, readNative, readShared } from "../testing/index.ts";
import { cloudtrail } from "./cloudtrail.ts";

const stratusFiles = hasSharedData
  ? readdirSync(new URL("../../../../../../shared/data/cloudtrail/stratus/", import.meta.url))
  : [];

describe.skipIf(!hasSharedData)("real CloudTrail records", () => {
  it("of an attack in a laboratory are all read", async () => {
    const { readings, events } = await readNative(cloudtrail, readShared("cloudtrail/invictus_stratus_part1.ndjson"));
    expect([readings.length, events.length]).toEqual([1_233, 1_233]);
    expect(measurePrecision(events)).toEqual({
      actor: 100,
      operation: 100,
      resource: 99.1,
      scope: 100,
      outcome: 100,
      source: 100,
    });
  });

  it("of an S3 object are read one by one", async () => {
    const { readings, events } = await readNative(
      cloudtrail,
      readShared("cloudtrail/original_s3_object_with_Records.json"),
    );
    expect([readings.length, events.length]).toEqual([29, 29]);
  });

  it("of 22 attack techniques are all read, exactly", async () => {
    const all: AccessEvent[] = [];
    for (const file of stratusFiles) {
      const { readings, events } = await readNative(cloudtrail, readShared(`cloudtrail/stratus/${file}`));
      expect(readings.filter(({ kind }) => kind !== "event")).toEqual([]);
      all.push(...events);
    }
    expect([stratusFiles.length, all.length]).toEqual([22, 210]);
    expect(measurePrecision(all)).toEqual({
      actor: 100,
      operation: 100,
      resource: 100,
      scope: 100,
      outcome: 100,
      source: 100,
    });
  });

  it("of a vendor's rule tests are read but for eleven without a time", async () => {
    const lines = readShared("panther/AWS.CloudTrail.ndjson").toString("utf8").split("\n").filter(Boolean);
    const records = lines.map((line) => JSON.stringify((JSON.parse(line) as { readonly event: unknown }).event));
    const { readings, events } = await readNative(cloudtrail, records.join("\n"));
    const unread = readings.flatMap((reading) => (reading.kind === "unreadable" ? [reading] : []));
    expect([readings.length, events.length]).toEqual([239, 228]);
    expect(unread.map(({ line }) => line)).toEqual([12, 13, 14, 15, 34, 201, 202, 203, 204, 237, 238]);
    expect(new Set(unread.map(({ reasons }) => reasons[0]?.field))).toEqual(new Set(["eventTime"]));
    expect(measurePrecision(events)).toEqual({
      actor: 96.9,
      operation: 100,
      resource: 88.6,
      scope: 100,
      outcome: 100,
      source: 93.9,
    });
  });
});
