import { type JsonObject, objectAt, textAt } from "../adapt/index.ts";

/** Where a service's events name a resource. */
export interface Target {
  /** Members from the record on; `*` goes through every element of an array. */
  readonly path: readonly string[];
  readonly type: string;
  /** The exact ARN around an id. Absent where the id alone does not give it: an IAM path, a random suffix. */
  readonly arn?: string;
  /** Only of events with such a name. */
  readonly on?: RegExp;
}

type Row = readonly [path: string, kind: string, arn?: string | undefined, on?: RegExp];

const REQUEST = "requestParameters.";
const RESPONSE = "responseElements.";
const ARN = "arn:{partition}:";
const CREATES = /^(?:Create|Run|Allocate|Register|Copy|Import|Request|Restore)/;

function ec2(kind: string, ...paths: readonly string[]): readonly Row[] {
  return paths.map((path): Row => [`${REQUEST}${path}`, kind, ec2Arn(kind)]);
}

/** The ARN around an id of EC2. */
export function ec2Arn(kind: string): string {
  // Images and snapshots can belong to anybody: their ARN has no account.
  const account = kind === "image" || kind === "snapshot" ? "" : "{account}";
  return `${ARN}ec2:{region}:${account}:${kind}/{id}`;
}

function ec2Created(kind: string, path: string): Row {
  return [`${RESPONSE}${path}`, kind, ec2Arn(kind), CREATES];
}

/** What was created comes first, then what was asked for, then what it hangs on. */
const ec2Rows: readonly Row[] = [
  ec2Created("instance", "instancesSet.items.*.instanceId"),
  ec2Created("subnet", "subnet.subnetId"),
  ec2Created("route-table", "routeTable.routeTableId"),
  ec2Created("network-interface", "networkInterface.networkInterfaceId"),
  ec2Created("natgateway", "CreateNatGatewayResponse.natGateway.natGatewayId"),
  ec2Created("internet-gateway", "internetGateway.internetGatewayId"),
  ec2Created("network-acl", "networkAcl.networkAclId"),
  ec2Created("vpc", "vpc.vpcId"),
  ec2Created("volume", "volumeId"),
  ec2Created("snapshot", "snapshotId"),
  ec2Created("image", "imageId"),
  ec2Created("security-group", "groupId"),
  ec2Created("key-pair", "keyPairId"),
  ec2Created("elastic-ip", "allocationId"),
  ...ec2("instance", "instancesSet.items.*.instanceId", "instanceId", "InstanceId"),
  ...ec2("snapshot", "snapshotId", "snapshotSet.items.*.snapshotId"),
  ...ec2("image", "imageId", "imagesSet.items.*.imageId", "instancesSet.items.*.imageId"),
  ...ec2("volume", "volumeId", "volumeSet.items.*.volumeId"),
  ...ec2("security-group", "groupId", "securityGroupIdSet.items.*.groupId", "GroupId"),
  ...ec2("network-acl", "networkAclId", "networkAclIdSet.items.*.networkAclId"),
  ...ec2("route-table", "routeTableId", "routeTableIdSet.items.*.routeTableId"),
  ...ec2("internet-gateway", "internetGatewayId", "internetGatewayIdSet.items.*.internetGatewayId"),
  ...ec2("natgateway", "DeleteNatGatewayRequest.NatGatewayId", "DescribeNatGatewaysRequest.NatGatewayId.content"),
  ...ec2("vpc-flow-log", "DeleteFlowLogsRequest.FlowLogId.content", "DescribeFlowLogsRequest.FlowLogId.content"),
  ...ec2("network-interface", "networkInterfaceId", "networkInterfaceIdSet.items.*.networkInterfaceId"),
  ...ec2("elastic-ip", "allocationId", "allocationIdsSet.items.*.allocationId"),
  ...ec2("subnet", "subnetId", "subnetSet.items.*.subnetId"),
  ...ec2("vpc", "vpcId", "vpcSet.items.*.vpcId"),
  ...ec2("key-pair", "keyName", "keySet.items.*.keyName").map(([path, kind]): Row => [path, kind]),
  ...ec2("vpc-endpoint", "DeleteVpcEndpointsRequest.VpcEndpointId.content", "VpcEndpointId"),
  [`${RESPONSE}CreateFlowLogsResponse.flowLogIdSet.item`, "vpc-flow-log", ec2Arn("vpc-flow-log")],
  [`${REQUEST}CreateFlowLogsRequest.ResourceId.content`, "resource"],
  [`${REQUEST}associationId`, "route-table-association", undefined, /RouteTable/],
  [`${REQUEST}associationId`, "elastic-ip-association", undefined, /Address/],
  [`${REQUEST}associationId`, "iam-instance-profile-association", undefined, /IamInstanceProfile/],
];

const rows: Readonly<Record<string, readonly Row[]>> = {
  cloudtrail: [
    [`${RESPONSE}trailARN`, "trail", undefined, /Trail$/],
    [`${REQUEST}name`, "trail", `${ARN}cloudtrail:{region}:{account}:trail/{id}`, /Trail|Logging/],
    [`${REQUEST}trailName`, "trail", `${ARN}cloudtrail:{region}:{account}:trail/{id}`],
    [`${REQUEST}trailNameList.*`, "trail", `${ARN}cloudtrail:{region}:{account}:trail/{id}`],
    [`${REQUEST}eventDataStore`, "eventdatastore"],
  ],
  cloudformation: [
    [`${RESPONSE}stackId`, "stack"],
    [`${REQUEST}stackName`, "stack"],
  ],
  cloudfront: [
    [`${REQUEST}id`, "distribution", `${ARN}cloudfront::{account}:distribution/{id}`, /Distribution/],
    [`${REQUEST}distributionId`, "distribution", `${ARN}cloudfront::{account}:distribution/{id}`],
  ],
  dynamodb: [
    [`${REQUEST}tableName`, "table", `${ARN}dynamodb:{region}:{account}:table/{id}`],
    [`${REQUEST}streamArn`, "table"],
    [`${REQUEST}tableArn`, "table"],
  ],
  ec2: ec2Rows,
  "ec2-instance-connect": ec2("instance", "instanceId"),
  ecr: [
    [`${REQUEST}repositoryName`, "repository", `${ARN}ecr:{region}:{account}:repository/{id}`],
    [`${REQUEST}repositoryNames.*`, "repository", `${ARN}ecr:{region}:{account}:repository/{id}`],
  ],
  ecs: [
    [`${RESPONSE}tasks.*.taskArn`, "task", undefined, /Task$/],
    [`${REQUEST}task`, "task"],
    [`${REQUEST}service`, "service"],
    [`${REQUEST}cluster`, "cluster", `${ARN}ecs:{region}:{account}:cluster/{id}`],
    [`${REQUEST}taskDefinition`, "task-definition"],
  ],
  eks: [
    [`${REQUEST}name`, "cluster", `${ARN}eks:{region}:{account}:cluster/{id}`, /Cluster/],
    [`${REQUEST}clusterName`, "cluster", `${ARN}eks:{region}:{account}:cluster/{id}`],
  ],
  es: [[`${REQUEST}domainName`, "domain", `${ARN}es:{region}:{account}:domain/{id}`]],
  events: [[`${REQUEST}name`, "rule", `${ARN}events:{region}:{account}:rule/{id}`, /Rule/]],
  glue: [
    [`${REQUEST}tableName`, "table"],
    [`${REQUEST}jobName`, "job", `${ARN}glue:{region}:{account}:job/{id}`],
    [`${REQUEST}databaseName`, "database", `${ARN}glue:{region}:{account}:database/{id}`],
  ],
  guardduty: [
    [`${REQUEST}detectorId`, "detector", `${ARN}guardduty:{region}:{account}:detector/{id}`],
    [`${RESPONSE}detectorId`, "detector", `${ARN}guardduty:{region}:{account}:detector/{id}`],
  ],
  iam: [
    [`${RESPONSE}user.arn`, "user", undefined, /^CreateUser$/],
    [`${RESPONSE}role.arn`, "role", undefined, /^Create(?:Role|ServiceLinkedRole)$/],
    [`${RESPONSE}policy.arn`, "policy", undefined, /^CreatePolicy$/],
    [`${RESPONSE}group.arn`, "group", undefined, /^CreateGroup$/],
    [`${RESPONSE}instanceProfile.arn`, "instance-profile", undefined, /^CreateInstanceProfile$/],
    [`${REQUEST}policyArn`, "policy", undefined, /^(?!Attach|Detach)/],
    [`${REQUEST}instanceProfileName`, "instance-profile", undefined, /InstanceProfile$/],
    [`${REQUEST}userName`, "user"],
    [`${REQUEST}roleName`, "role"],
    [`${REQUEST}groupName`, "group"],
    [`${RESPONSE}accessKey.userName`, "user"],
    [`${REQUEST}policyArn`, "policy"],
    [`${REQUEST}policyName`, "policy"],
    [`${REQUEST}instanceProfileName`, "instance-profile"],
    [`${REQUEST}serialNumber`, "mfa"],
    [`${REQUEST}sAMLProviderArn`, "saml-provider"],
    [`${REQUEST}openIDConnectProviderArn`, "oidc-provider"],
    [`${REQUEST}virtualMFADeviceName`, "mfa"],
    [`${REQUEST}awsServiceName`, "service"],
  ],
  kms: [
    [`${REQUEST}keyId`, "key", `${ARN}kms:{region}:{account}:key/{id}`, /^(?!.*Alias)/],
    [`${RESPONSE}keyMetadata.arn`, "key"],
    [`${RESPONSE}keyId`, "key"],
    [`${REQUEST}aliasName`, "alias", `${ARN}kms:{region}:{account}:{id}`],
    [`${REQUEST}targetKeyId`, "key"],
  ],
  lambda: [
    [`${REQUEST}functionName`, "function", `${ARN}lambda:{region}:{account}:function:{id}`],
    [`${REQUEST}layerName`, "layer", `${ARN}lambda:{region}:{account}:layer:{id}`],
    [`${REQUEST}resource`, "function"],
    [`${REQUEST}uUID`, "event-source-mapping", `${ARN}lambda:{region}:{account}:event-source-mapping:{id}`],
  ],
  logs: [
    [`${REQUEST}logGroupName`, "log-group", `${ARN}logs:{region}:{account}:log-group:{id}`],
    [`${REQUEST}logGroupIdentifier`, "log-group"],
    [`${REQUEST}destinationName`, "destination", `${ARN}logs:{region}:{account}:destination:{id}`],
  ],
  organizations: [
    [`${REQUEST}targetId`, "target"],
    [`${REQUEST}policyId`, "policy"],
    [`${REQUEST}accountId`, "account"],
    [`${REQUEST}handshakeId`, "handshake"],
  ],
  rds: [
    [`${RESPONSE}dBSnapshotArn`, "snapshot", undefined, /^(?:Create|Copy)DBSnapshot/],
    [`${REQUEST}dBSnapshotIdentifier`, "snapshot", `${ARN}rds:{region}:{account}:snapshot:{id}`, /Snapshot/],
    [
      `${REQUEST}dBClusterSnapshotIdentifier`,
      "cluster-snapshot",
      `${ARN}rds:{region}:{account}:cluster-snapshot:{id}`,
      /Snapshot/,
    ],
    [`${REQUEST}targetDBSnapshotIdentifier`, "snapshot", `${ARN}rds:{region}:{account}:snapshot:{id}`],
    [
      `${REQUEST}targetDBClusterSnapshotIdentifier`,
      "cluster-snapshot",
      `${ARN}rds:{region}:{account}:cluster-snapshot:{id}`,
    ],
    [`${REQUEST}sourceDBSnapshotIdentifier`, "snapshot", `${ARN}rds:{region}:{account}:snapshot:{id}`],
    [`${REQUEST}dBInstanceIdentifier`, "db", `${ARN}rds:{region}:{account}:db:{id}`],
    [`${REQUEST}dBClusterIdentifier`, "cluster", `${ARN}rds:{region}:{account}:cluster:{id}`],
    [`${REQUEST}dBSubnetGroupName`, "subgrp", `${ARN}rds:{region}:{account}:subgrp:{id}`],
    [`${REQUEST}dBParameterGroupName`, "pg", `${ARN}rds:{region}:{account}:pg:{id}`],
    [`${REQUEST}resourceName`, "resource"],
    [`${REQUEST}resourceArn`, "resource"],
  ],
  "rds-data": [
    [`${REQUEST}resourceArn`, "cluster"],
    [`${REQUEST}database`, "database"],
  ],
  redshift: [[`${REQUEST}clusterIdentifier`, "cluster", `${ARN}redshift:{region}:{account}:cluster:{id}`]],
  route53: [[`${REQUEST}hostedZoneId`, "hostedzone", `${ARN}route53:::hostedzone/{id}`]],
  secretsmanager: [
    [`${RESPONSE}aRN`, "secret"],
    [`${RESPONSE}arn`, "secret"],
    [`${REQUEST}secretId`, "secret"],
    [`${REQUEST}secretIdList.*`, "secret"],
    [`${REQUEST}name`, "secret"],
  ],
  ses: [[`${REQUEST}identities.*`, "identity", `${ARN}ses:{region}:{account}:identity/{id}`]],
  signin: [[`${REQUEST}roleArn`, "role"]],
  sns: [
    [`${REQUEST}topicArn`, "topic"],
    [`${RESPONSE}topicArn`, "topic"],
    [`${REQUEST}subscriptionArn`, "topic"],
    [`${REQUEST}name`, "topic", `${ARN}sns:{region}:{account}:{id}`],
  ],
  sqs: [
    [`${REQUEST}queueUrl`, "queue"],
    [`${RESPONSE}queueUrl`, "queue"],
    [`${REQUEST}queueName`, "queue", `${ARN}sqs:{region}:{account}:{id}`],
  ],
  ssm: [
    [`${REQUEST}instanceIds.*`, "instance", ec2Arn("instance")],
    [`${REQUEST}instanceId`, "instance", ec2Arn("instance")],
    [`${REQUEST}target`, "instance", ec2Arn("instance")],
    [`${REQUEST}resourceId`, "resource"],
    [`${REQUEST}names.*`, "parameter", `${ARN}ssm:{region}:{account}:parameter/{id}`],
    [`${REQUEST}name`, "parameter", `${ARN}ssm:{region}:{account}:parameter/{id}`, /Parameter/],
    [`${REQUEST}name`, "document", `${ARN}ssm:{region}:{account}:document/{id}`, /Document/],
    [`${REQUEST}commandId`, "command"],
    [`${REQUEST}sessionId`, "session", `${ARN}ssm:{region}:{account}:session/{id}`],
    [`${REQUEST}documentName`, "document", `${ARN}ssm:{region}:{account}:document/{id}`],
    [`${REQUEST}associationId`, "association", `${ARN}ssm:{region}:{account}:association/{id}`],
  ],
  states: [
    [`${REQUEST}stateMachineArn`, "statemachine"],
    [`${REQUEST}executionArn`, "execution"],
  ],
  sts: [[`${REQUEST}roleArn`, "role"]],
};

/** Rows whose type is of another service than the event. */
const foreign: Readonly<Record<string, string>> = { instance: "aws.ec2.instance" };

function toTarget(service: string, [path, kind, arn, on]: Row): Target {
  const type =
    kind === "account"
      ? "aws.account"
      : (foreign[kind] ?? `aws.${service === "ec2-instance-connect" ? "ec2" : service}.${kind}`);
  return { path: path.split("."), type, ...(arn === undefined ? {} : { arn }), ...(on === undefined ? {} : { on }) };
}

const targets: ReadonlyMap<string, readonly Target[]> = new Map(
  Object.entries(rows).map(([service, list]) => [service, list.map((row) => toTarget(service, row))] as const),
);

/** Where the events of a service name resources, the target first. */
export function targetsOf(service: string): readonly Target[] {
  return targets.get(service) ?? [];
}

const OWN =
  /^(?:iam:(?:GetUser|ChangePassword|CreateAccessKey|ListAccessKeys|ListMFADevices|EnableMFADevice|GetLoginProfile)|signin:Password\w+)$/;

/** The actor's own ARN, of actions that are about the actor where they name nobody. */
export function ownIdentity(service: string, eventName: string, record: JsonObject): string | undefined {
  if (!OWN.test(`${service}:${eventName}`)) return undefined;
  const parameters = objectAt(record, "requestParameters");
  if (
    textAt(parameters, "userName") !== undefined ||
    textAt(record, "responseElements", "accessKey", "userName") !== undefined
  )
    return undefined;
  return textAt(record, "userIdentity", "arn");
}
