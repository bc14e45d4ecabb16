import type { AccessEvent } from "@evident/core";
import { readNative } from "../../testing/index.ts";
import { cloudtrail } from "../cloudtrail.ts";

/** A record with everything that the adapter reads. */
export const record = {
  eventVersion: "1.11",
  userIdentity: {
    type: "AssumedRole",
    principalId: "AROA1:jane@example.com",
    arn: "arn:aws:sts::111122223333:assumed-role/Admin/jane@example.com",
    accountId: "111122223333",
    accessKeyId: "ASIA1",
    sessionContext: {
      sessionIssuer: { type: "Role", principalId: "AROA1", arn: "arn:aws:iam::111122223333:role/Admin" },
      attributes: { creationDate: "2026-11-24T08:00:00Z", mfaAuthenticated: "true" },
      sourceIdentity: "jane",
    },
  },
  eventTime: "2026-11-24T09:30:00Z",
  eventSource: "s3.amazonaws.com",
  eventName: "GetObject",
  awsRegion: "eu-central-1",
  sourceIPAddress: "203.0.113.9",
  userAgent: "aws-cli/2",
  requestParameters: { bucketName: "b", key: "k.txt", "X-Amz-Security-Token": "IQoJ" },
  responseElements: null,
  additionalEventData: { bytesTransferredIn: 0, bytesTransferredOut: 1234.0, SignatureVersion: "SigV4" },
  requestID: "R1",
  eventID: "e-1",
  readOnly: true,
  resources: [
    { accountId: "444455556666", type: "AWS::S3::Bucket", ARN: "arn:aws:s3:::b" },
    { type: "AWS::S3::Object", ARN: "arn:aws:s3:::b/k.txt" },
  ],
  eventType: "AwsApiCall",
  managementEvent: false,
  recipientAccountId: "111122223333",
  sharedEventID: "s-1",
  eventCategory: "Data",
};

/** The event of the record with changes. @throws Error when none is made */
export async function readOne(changes: Readonly<Record<string, unknown>>): Promise<AccessEvent> {
  const { readings, events } = await readNative(cloudtrail, JSON.stringify({ ...record, ...changes }));
  const [event] = events;
  if (event === undefined) throw new Error(JSON.stringify(readings));
  return event;
}
