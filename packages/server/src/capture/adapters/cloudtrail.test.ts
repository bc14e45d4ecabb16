import { describe, expect, it } from "vitest";
import { readNative } from "../testing/index.ts";
import { cloudtrail } from "./cloudtrail.ts";
import { readOne, record } from "./testing/index.ts";

describe("the CloudTrail adapter", () => {
  it("reads who got which object, for whom, with how many bytes and in which session", async () => {
    expect(await readOne({})).toMatchObject({
      id: "e-1",
      time: { occurred: "2026-11-24T09:30:00.000000000Z", precision: "s", basis: "event" },
      actor: {
        type: "role",
        id: "AROA1:jane@example.com",
        ns: "aws:111122223333",
        name: "Admin/jane@example.com",
        session: {
          id: "jane@example.com",
          created: "2026-11-24T08:00:00.000000000Z",
          mfa: true,
          issuer: "arn:aws:iam::111122223333:role/Admin",
        },
        credential: { kind: "access_key", id: "ASIA1" },
        onBehalfOf: [{ type: "user", id: "jane" }],
      },
      action: { op: "READ", name: "s3:GetObject", kind: "datastore" },
      resources: [
        { type: "aws.s3.object", id: "arn:aws:s3:::b/k.txt", scope: ["111122223333", "eu-central-1"] },
        { type: "aws.s3.bucket", id: "arn:aws:s3:::b", scope: ["444455556666", "eu-central-1"], role: "related" },
      ],
      outcome: { status: "success" },
      source: { ip: "203.0.113.9", ipTrust: "peer", userAgent: "aws-cli/2" },
      impact: { bytesIn: "0", bytesOut: "1234" },
      trace: { requestId: "R1", correlationId: "s-1" },
      origin: { system: "111122223333", nativeId: "e-1", nativeVersion: "1.11" },
      native: { requestParameters: { bucketName: "b", "X-Amz-Security-Token": "***" } },
    });
  });

  it.each([
    [{ type: "Root", principalId: "1", accountId: "1", arn: "arn:aws:iam::1:root" }, "user 1 aws:1 root"],
    [{ type: "IAMUser", principalId: "AIDA", accountId: "1", userName: "bo" }, "user AIDA aws:1 bo"],
    [{ type: "IAMUser", userName: "bo", accountId: "1" }, "user bo aws:1 bo"],
    [
      { type: "Role", principalId: "AROA", accountId: "1", arn: "arn:aws:iam::1:role/x/Admin" },
      "role AROA aws:1 Admin",
    ],
    [{ type: "FederatedUser", principalId: "1:bo", accountId: "1" }, "user 1:bo aws:1"],
    [{ type: "AWSService", invokedBy: "ec2.amazonaws.com" }, "system ec2.amazonaws.com aws:111122223333"],
    [{ type: "AWSAccount", principalId: "AIDA2", accountId: "2" }, "user AIDA2 aws:2"],
    [{ type: "AWSAccount", principalId: "AROA2:s", accountId: "2" }, "role AROA2:s aws:2"],
    [{ type: "AWSAccount", accountId: "2" }, "user 2 aws:2"],
    [
      { type: "AWSAccount", principalId: "", accountId: "ANONYMOUS_PRINCIPAL" },
      "anonymous ANONYMOUS_PRINCIPAL aws:111122223333",
    ],
    [{ type: "SAMLUser", principalId: "q:bo", userName: "bo", identityProvider: "idp" }, "user q:bo idp bo"],
    [
      { type: "WebIdentityUser", principalId: "g:app:7", userName: "7", identityProvider: "accounts.google.com" },
      "user g:app:7 accounts.google.com 7",
    ],
    [
      { type: "IdentityCenterUser", onBehalfOf: { userId: "u-9", identityStoreArn: "arn:store" }, credentialId: "c" },
      "user u-9 arn:store",
    ],
    [{ type: "Directory", userName: "bo", accountId: "1" }, "user bo aws:1 bo"],
    [{ type: "Unknown", principalId: "1", accountId: "1", userName: "bo@x.org" }, "user bo@x.org aws:1 bo@x.org"],
    [{ type: "Unknown", principalId: "p", accountId: "1" }, "unknown p aws:1"],
  ])("reads the identity %j", async (userIdentity, expected) => {
    const { actor } = await readOne({ userIdentity });
    expect([actor.type, actor.id, actor.ns, actor.name].filter((part) => part !== undefined).join(" ")).toBe(expected);
  });

  it("says unknown, with a warning, where a failed sign-in hides the name", async () => {
    const event = await readOne({
      eventName: "ConsoleLogin",
      eventSource: "signin.amazonaws.com",
      userIdentity: { type: "IAMUser", userName: "HIDDEN_DUE_TO_SECURITY_REASONS" },
      responseElements: { ConsoleLogin: "Failure" },
      errorMessage: "No username found in supplied account",
      additionalEventData: { MFAUsed: "No" },
      resources: undefined,
      requestParameters: null,
    });
    expect(event).toMatchObject({
      actor: { type: "user", id: "unknown", session: { mfa: false } },
      action: { op: "AUTH", kind: "auth" },
      resources: [{ type: "aws.account", id: "111122223333" }],
      outcome: { status: "denied", reason: "No username found in supplied account" },
      origin: { warnings: ["actor:default"] },
    });
  });

  it.each([
    ["AccessDenied", "denied"],
    ["Client.UnauthorizedOperation", "denied"],
    ["VpceAccessDenied", "denied"],
    ["InvalidClientTokenId", "denied"],
    ["ExpiredToken", "denied"],
    ["NoSuchBucket", "failure"],
    ["Client.DryRunOperation", "failure"],
    ["ThrottlingException", "failure"],
  ])("takes the code %s as %s", async (errorCode, status) => {
    expect((await readOne({ errorCode, errorMessage: "why" })).outcome).toEqual({
      status,
      code: errorCode,
      reason: "why",
    });
  });

  it.each([
    ["ec2", "ModifySnapshotAttribute", { snapshotId: "s", createVolumePermission: { add: { items: [] } } }, "EXPORT"],
    ["ec2", "ModifySnapshotAttribute", { snapshotId: "s", createVolumePermission: { remove: {} } }, "REVOKE"],
    ["rds", "ModifyDBSnapshotAttribute", { dBSnapshotIdentifier: "s", valuesToRemove: ["all"] }, "REVOKE"],
    ["ec2", "StopInstances", { instancesSet: { items: [{ instanceId: "i-1" }] } }, "UPDATE"],
    ["lambda", "Invoke", { functionName: "f" }, "EXECUTE"],
    ["lambda", "UpdateFunctionCode20150331v2", { functionName: "f" }, "UPDATE"],
    ["iam", "PutUserPolicy", { userName: "u" }, "GRANT"],
    ["ecr", "PutLifecyclePolicy", { repositoryName: "r" }, "CONFIGURE"],
    ["kms", "ScheduleKeyDeletion", { keyId: "k" }, "DELETE"],
    ["cloudtrail", "StopLogging", { name: "t" }, "CONFIGURE"],
    ["s3", "PutBucketVersioning", { bucketName: "b" }, "CONFIGURE"],
    ["dynamodb", "BatchGetItem", { tableName: "t" }, "READ"],
  ])("knows what %s:%s does", async (service, eventName, requestParameters, op) => {
    const event = await readOne({
      eventSource: `${service}.amazonaws.com`,
      eventName,
      requestParameters,
      resources: undefined,
    });
    expect(event.action.op).toBe(op);
    expect(event.origin.warnings).toBeUndefined();
  });

  it("warns of a verb and a resource that it does not know", async () => {
    const event = await readOne({
      eventSource: "new.amazonaws.com",
      eventName: "FrobnicateWidgets",
      requestParameters: { depth: 3 },
      resources: undefined,
      readOnly: false,
    });
    expect(event).toMatchObject({
      action: { op: "OTHER" },
      resources: [{ type: "aws.service", id: "new.amazonaws.com" }],
      origin: { warnings: ["op:default", "resource:default"] },
    });
  });

  it("finds the resource in the request, in what was created, in the refusal, or takes all of a kind", async () => {
    const targetOf = async (changes: Readonly<Record<string, unknown>>): Promise<string> => {
      const [target] = (await readOne({ resources: undefined, requestParameters: null, ...changes })).resources;
      return `${target?.type} ${target?.id}`;
    };
    const ec2 = { eventSource: "ec2.amazonaws.com" };
    const instances = { items: [{ instanceId: "i-1" }] };
    expect(await targetOf({ ...ec2, eventName: "RunInstances", responseElements: { instancesSet: instances } })).toBe(
      "aws.ec2.instance arn:aws:ec2:eu-central-1:111122223333:instance/i-1",
    );
    expect(await targetOf({ ...ec2, eventName: "DescribeRouteTables" })).toBe("aws.ec2.route-table *");
    const errorMessage = "User: x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/r";
    expect(
      await targetOf({
        eventSource: "sts.amazonaws.com",
        eventName: "AssumeRole",
        errorCode: "AccessDenied",
        errorMessage,
      }),
    ).toBe("aws.iam.role arn:aws:iam::1:role/r");
    expect(
      await targetOf({
        eventSource: "bedrock.amazonaws.com",
        eventName: "DeleteGuardrail",
        requestParameters: { guardrailIdentifier: "g1" },
      }),
    ).toBe("aws.bedrock.guardrail g1");
    expect(
      await targetOf({
        eventSource: "kms.amazonaws.com",
        eventName: "Encrypt",
        awsRegion: "cn-north-1",
        requestParameters: { keyId: "alias/x" },
      }),
    ).toBe("aws.kms.alias arn:aws-cn:kms:cn-north-1:111122223333:alias/x");
  });

  it("names the service that called, and keeps a broken address as a name with a warning", async () => {
    const called = await readOne({ sourceIPAddress: "AWS Internal" });
    expect(called.source).toEqual({ service: "AWS Internal", userAgent: "aws-cli/2" });
    const broken = await readOne({ sourceIPAddress: "251.234.045.249" });
    expect(broken.source).toEqual({ host: "251.234.045.249", userAgent: "aws-cli/2" });
    expect(broken.origin.warnings).toEqual(["ip:invalid"]);
  });

  it("never keeps the session token that AssumeRole answers with", async () => {
    const credentials = { accessKeyId: "ASIA2", sessionToken: "IQoJb3JpZ2luX2Vj", expiration: "x" };
    const event = await readOne({ eventName: "AssumeRole", responseElements: { credentials } });
    expect(JSON.stringify(event)).not.toContain("IQoJ");
    expect(event.native).toMatchObject({ responseElements: { credentials: { accessKeyId: "ASIA2" } } });
  });

  it("reads insights and events of services, which have no identity", async () => {
    const insight = await readOne({
      eventType: "AwsCloudTrailInsight",
      userIdentity: undefined,
      eventName: undefined,
      eventSource: undefined,
      resources: undefined,
      insightDetails: { eventName: "RunInstances", eventSource: "ec2.amazonaws.com", state: "Start" },
    });
    expect(insight).toMatchObject({
      actor: { type: "system", id: "cloudtrail.amazonaws.com" },
      action: { op: "OTHER", name: "insight:ec2:RunInstances", kind: "other" },
      resources: [{ type: "aws.account", id: "111122223333" }],
    });
    expect(insight.origin.warnings).toBeUndefined();
    const rotation = await readOne({
      eventType: "AwsServiceEvent",
      eventSource: "kms.amazonaws.com",
      eventName: "RotateKey",
      userIdentity: undefined,
    });
    expect(rotation).toMatchObject({ actor: { type: "system", id: "kms.amazonaws.com" }, action: { op: "UPDATE" } });
  });

  it("gives a repeated record the same id and the same bytes, in whatever wrapper it comes", async () => {
    const plain = JSON.stringify(record);
    const wrapped = [
      plain,
      JSON.stringify({ version: "0", "detail-type": "AWS API Call via CloudTrail", detail: record }),
      JSON.stringify({ EventId: "e-1", CloudTrailEvent: plain }),
      JSON.stringify({ id: "1", timestamp: 1, message: plain }),
      JSON.stringify({ eventJson: plain }),
    ];
    const { readings } = await readNative(cloudtrail, wrapped.join("\n"));
    const lines = readings.map((reading) => (reading.kind === "event" ? reading.json : reading.kind));
    expect(lines).toHaveLength(5);
    expect(new Set(lines).size).toBe(1);
    const file = JSON.stringify({ Records: [record, record] });
    const { events } = await readNative(cloudtrail, file);
    expect(events.map(({ id }) => id)).toEqual(["e-1", "e-1"]);
  });

  it("reads names in small letters and times without a zone, as data lakes store them", async () => {
    const lake = Object.fromEntries(Object.entries(record).map(([name, value]) => [name.toLowerCase(), value]));
    const { events } = await readNative(cloudtrail, JSON.stringify({ ...lake, eventtime: "2026-11-24 09:30:00.000" }));
    expect(events[0]).toMatchObject({
      id: "e-1",
      time: { occurred: "2026-11-24T09:30:00.000000000Z", tz: "assumed" },
      actor: { id: "AROA1:jane@example.com" },
      resources: [{ id: "arn:aws:s3:::b/k.txt" }, { id: "arn:aws:s3:::b" }],
      origin: { warnings: ["tz:assumed"] },
    });
  });

  it("recognises its records only", () => {
    const recognises = (value: unknown): boolean =>
      cloudtrail.recognises({ text: JSON.stringify(value), json: () => ({ ok: true, value }) } as never);
    expect(recognises(record)).toBe(true);
    expect(recognises({ awsAccountId: "1", digestS3Bucket: "b" })).toBe(true);
    // A notification of S3, an audit event of Kubernetes, a log entry of Google.
    expect(recognises({ eventVersion: "2.1", eventSource: "aws:s3", eventName: "ObjectCreated:Put" })).toBe(false);
    expect(recognises({ kind: "Event", apiVersion: "audit.k8s.io/v1", verb: "get" })).toBe(false);
    expect(recognises({ logName: "x", protoPayload: { serviceName: "storage.googleapis.com" } })).toBe(false);
  });
});
