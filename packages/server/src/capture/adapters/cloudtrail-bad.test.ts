import { describe, expect, it } from "vitest";
import { readNative } from "../testing/index.ts";
import { cloudtrail } from "./cloudtrail.ts";
import { readOne, record } from "./testing/index.ts";

async function whyNot(changes: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { readings } = await readNative(cloudtrail, JSON.stringify({ ...record, ...changes }));
  return readings[0];
}

describe("bad CloudTrail records", () => {
  it("names what makes a record unreadable, and passes over what is no record", async () => {
    expect(await whyNot({ eventTime: undefined })).toMatchObject({
      reasons: [{ field: "eventTime", problem: "is missing" }],
    });
    expect(await whyNot({ eventTime: 5 })).toMatchObject({ reasons: [{ field: "eventTime", problem: "is no time" }] });
    expect(await whyNot({ eventName: null })).toMatchObject({ reasons: [{ field: "eventName" }] });
    expect(await whyNot({ eventSource: {} })).toMatchObject({ reasons: [{ field: "eventSource" }] });
    const { readings } = await readNative(
      cloudtrail,
      [
        JSON.stringify(record).slice(0, 300),
        JSON.stringify({ awsAccountId: "1", digestS3Bucket: "b", logFiles: [] }),
        JSON.stringify({ id: "1", message: "CWL CONTROL MESSAGE: Checking health of destination" }),
        JSON.stringify({ ...record, eventID: "e-2" }),
        "[1]",
      ].join("\n"),
    );
    expect(readings.map(({ kind }) => kind)).toEqual(["unreadable", "skipped", "skipped", "event", "unreadable"]);
  });

  it("survives hostile values: prototypes, wrong types, control characters and thousands of resources", async () => {
    const hostile = JSON.parse(
      '{"userIdentity":{"__proto__":{"type":"Root"},"type":["x"],"principalId":{"a":1}},"requestParameters":"text","resources":[1,null,{"ARN":7}],"awsRegion":{},"sourceIPAddress":"\\u0000\\u0001","additionalEventData":[1]}',
    ) as Readonly<Record<string, unknown>>;
    expect((await readOne({ ...hostile, eventID: undefined })).actor.type).toBe("unknown");
    const many = Array.from({ length: 3_000 }, (_, i) => ({ type: "AWS::S3::Object", ARN: `arn:aws:s3:::b/${i}` }));
    const cut = await readOne({ resources: many });
    expect(cut.resources).toHaveLength(1_000);
    expect(cut.origin.warnings).toEqual(["cut:resources"]);
  });
});
