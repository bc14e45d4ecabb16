import type { AccessEvent } from "@evident/core";
import { describe, expect, it } from "vitest";
import { hasSharedData, readNative, readShared } from "../testing/index.ts";
import { cloudtrail } from "./cloudtrail.ts";

const invictus = "cloudtrail/invictus_stratus_part1.ndjson";
const panther = "panther/AWS.CloudTrail.ndjson";
const stratus = (technique: string): string => `cloudtrail/stratus/aws.${technique}.json`;

const BERT = "AIDATFQR7NSC5AU2ZV3IE";
const ACCOUNT = "123837392027";
const IP = "192.168.10.20";

/** file, record from 1, actor, op and name, resource, scope, outcome, address or service: written from the raw records. */
type Label = readonly [string, number, string, string, string, string, string, string];

const labels: readonly Label[] = [
  [
    invictus,
    4,
    "user AIDATFQR7NSC5U6Q3TMDR",
    "READ s3:GetBucketAcl",
    "aws.s3.bucket arn:aws:s3:::baker221b-bucketssecuritylogsbef08b3e-13nrzhi7fcs7w",
    `${ACCOUNT}/us-east-1`,
    "success",
    "10.248.16.43",
  ],
  [
    invictus,
    75,
    `user ${BERT}`,
    "CREATE ec2:RunInstances",
    "aws.ec2.image arn:aws:ec2:us-east-1::image/ami-029eb80bc237bec6f",
    `${ACCOUNT}/us-east-1`,
    "failure",
    IP,
  ],
  [
    invictus,
    78,
    `user ${BERT}`,
    "CREATE ec2:RunInstances",
    `aws.ec2.instance arn:aws:ec2:us-east-1:${ACCOUNT}:instance/i-0dbc91f429e48eeed`,
    `${ACCOUNT}/us-east-1`,
    "success",
    IP,
  ],
  [
    invictus,
    80,
    "system ec2.amazonaws.com",
    "AUTH sts:AssumeRole",
    `aws.iam.role arn:aws:iam::${ACCOUNT}:role/stratus-red-team-ec2-steal-credentials-role`,
    `${ACCOUNT}/us-east-1`,
    "success",
    "ec2.amazonaws.com",
  ],
  [
    invictus,
    138,
    `user ${BERT}`,
    "READ secretsmanager:GetSecretValue",
    `aws.secretsmanager.secret arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:stratus-red-team-retrieve-secret-15-wL771x`,
    `${ACCOUNT}/us-east-1`,
    "success",
    IP,
  ],
  [
    invictus,
    146,
    `user ${BERT}`,
    "READ kms:Decrypt",
    `aws.kms.key arn:aws:kms:us-east-1:${ACCOUNT}:key/dad21b23-9915-42bd-981b-2a9f3c8f20c8`,
    `${ACCOUNT}/us-east-1`,
    "success",
    "secretsmanager.amazonaws.com",
  ],
  [
    invictus,
    212,
    `user ${BERT}`,
    "AUTH sts:AssumeRole",
    `aws.iam.role arn:aws:iam::${ACCOUNT}:role/stratus-red-team-leave-org-role`,
    `${ACCOUNT}/us-east-1`,
    "denied",
    IP,
  ],
  [
    invictus,
    383,
    `user ${BERT}`,
    "READ ssm:GetParameters",
    `aws.ssm.parameter arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/credentials/stratus-red-team/credentials-11`,
    `${ACCOUNT}/us-east-1`,
    "success",
    IP,
  ],
  [
    invictus,
    393,
    `user ${BERT}`,
    "DELETE cloudtrail:DeleteTrail",
    `aws.cloudtrail.trail arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/stratus-red-team-cloudtraild-trail-aueolsaccp`,
    `${ACCOUNT}/us-east-1`,
    "failure",
    IP,
  ],
  [
    invictus,
    445,
    `user ${BERT}`,
    "GRANT iam:AttachRolePolicy",
    "aws.iam.role stratus-red-team-ec2-enumerate-role",
    `${ACCOUNT}/us-east-1`,
    "success",
    IP,
  ],
  [
    invictus,
    479,
    `user ${BERT}`,
    "EXECUTE ssm:SendCommand",
    `aws.ec2.instance arn:aws:ec2:us-east-1:${ACCOUNT}:instance/i-05c30218156bcc246`,
    `${ACCOUNT}/us-east-1`,
    "failure",
    IP,
  ],
  [
    invictus,
    775,
    "role AROATFQR7NSCYGNOX4QAJ:aws-go-sdk-1688990966084647983",
    "CREATE ec2:RunInstances",
    "aws.ec2.image arn:aws:ec2:us-east-1::image/ami-029eb80bc237bec6f",
    `${ACCOUNT}/us-east-1`,
    "failure",
    IP,
  ],
  [
    invictus,
    898,
    "user AIDATFQR7NSCYG26CT6RI",
    "AUTH signin:ConsoleLogin",
    `aws.account ${ACCOUNT}`,
    `${ACCOUNT}/us-east-1`,
    "success",
    IP,
  ],
  [
    stratus("exfiltration.ec2-share-ebs-snapshot"),
    1,
    "user AIDA7ETKRIUXU83QKECM",
    "EXPORT ec2:ModifySnapshotAttribute",
    "aws.ec2.snapshot arn:aws:ec2:me-central-3r::snapshot/snap-041993b54a9b3af6f",
    "756680937392/me-central-3r",
    "success",
    "253.76.43.253",
  ],
  [
    stratus("persistence.lambda-backdoor-function"),
    1,
    "user AIDAC4Q0BJF2SN7BSHFO",
    "GRANT lambda:AddPermission20150331v2",
    "aws.lambda.function arn:aws:lambda:ca-centralnorth-1r:880896431042:function:stratus-red-team-backdoor-f-func",
    "880896431042/ca-centralnorth-1r",
    "success",
    "151.236.251.251",
  ],
  [
    stratus("lateral-movement.ec2-instance-connect"),
    1,
    "user AIDAHG2QGAX7XGTRYBZ5",
    "GRANT ec2-instance-connect:SendSSHPublicKey",
    "aws.ec2.instance arn:aws:ec2:eu-south-1r:572910899909:instance/i-fDb357cB7e99ad973",
    "572910899909/eu-south-1r",
    "success",
    "246.227.146.251",
  ],
  [
    stratus("defense-evasion.organizations-leave"),
    2,
    "role AROAHKPEEQ9BHUOX4D93T:aws-go-sdk-1722587398902687000",
    "CONFIGURE organizations:LeaveOrganization",
    "aws.account 307578594326",
    "307578594326/euiso-south-3r",
    "denied",
    "252.5.222.230",
  ],
  [
    stratus("persistence.rolesanywhere-create-trust-anchor"),
    2,
    "user AIDADMWJD73A3SNMRPEY",
    "CREATE rolesanywhere:CreateProfile",
    "aws.rolesanywhere.profile arn:aws:rolesanywhere:cn-northsouth-3r:791182566784:profile/910042eb-8463-427d-8095-6fd60ac303d9",
    "791182566784/cn-northsouth-3r",
    "success",
    "221.252.237.0",
  ],
  [
    panther,
    60,
    "user EXAMPLE6E4XEGITWATV6R",
    "UPDATE ec2:StopInstances",
    "aws.ec2.instance arn:aws:ec2:us-east-1:777788889999:instance/i-EXAMPLE56126103cb",
    "777788889999/us-east-1",
    "success",
    "192.0.2.0",
  ],
  [
    panther,
    167,
    "user 123456789012",
    "UPDATE signin:PasswordUpdated",
    "aws.iam.root arn:aws:iam::123456789012:root",
    "123456789012/us-east-1",
    "success",
    "111.111.111.111",
  ],
  [
    panther,
    232,
    "role AROAEXAMPLE:session-name",
    "READ s3:GetObject",
    "aws.s3.object arn:aws:s3:::example-bucket/sensitive-file.txt",
    "222222222222/us-east-1",
    "denied",
    "10.0.0.1",
  ],
];

/** The records of a file as lines. Panther's samples stand inside its own object. */
function recordsOf(path: string): readonly unknown[] {
  const text = readShared(path).toString("utf8");
  if (text.startsWith("[")) return JSON.parse(text) as readonly unknown[];
  const lines = text.split("\n").filter((line) => line !== "");
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return path === panther ? records.map((record) => record["event"]) : records;
}

function summary({ actor, action, resources, outcome, source }: AccessEvent): readonly string[] {
  const [target] = resources;
  return [
    `${actor.type} ${actor.id}`,
    `${action.op} ${action.name}`,
    `${target?.type} ${target?.id}`,
    (target?.scope ?? []).join("/"),
    outcome.status,
    source.ip ?? source.service ?? "",
  ];
}

describe.skipIf(!hasSharedData)("CloudTrail records labelled by hand", () => {
  for (const [path, number, ...expected] of labels) {
    it(`are read as labelled: ${path.split("/").at(-1)} ${number}`, async () => {
      const { events } = await readNative(cloudtrail, JSON.stringify(recordsOf(path)[number - 1]));
      expect(events.map(summary)).toEqual([expected]);
    });
  }
});
