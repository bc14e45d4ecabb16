/** Makes record `index` of a source in its own format; the same index always gives the same record. All of it is made up. */
export type MakeRecord = (index: number) => string;

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const users = ["alice", "bob", "carol", "dave", "erin", "frank"];
const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0 Safari/537.36";
const methods = ["GET", "GET", "GET", "POST", "HEAD", "PUT"];
const statuses = [200, 200, 304, 404, 403, 500];

function pick<T>(list: readonly T[], index: number): T {
  const found = list[index % list.length];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}

function at(index: number): Date {
  return new Date(1_779_000_000_000 + index * 137);
}

function address(index: number): string {
  return `203.0.${(index >> 3) % 256}.${index % 256}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function clock(date: Date): string {
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

function localTime(index: number): string {
  const date = at(index);
  return `${two(date.getUTCDate())}/${pick(months, date.getUTCMonth())}/${date.getUTCFullYear()}:${clock(date)} +0000`;
}

/** `May 17 10:05:03` */
function oldTime(index: number): string {
  const date = at(index);
  return `${pick(months, date.getUTCMonth())} ${String(date.getUTCDate()).padStart(2)} ${clock(date)}`;
}

function request(index: number): string {
  const query = index % 4 === 0 ? `?page=${index % 90}&session=${index.toString(36)}` : "";
  return `${pick(methods, index)} /shop/products/${index % 1_000}/images/${index % 7}.png${query} HTTP/1.1`;
}

const combined: MakeRecord = (index) =>
  `${address(index)} - ${index % 3 === 0 ? pick(users, index) : "-"} [${localTime(index)}] "${request(index)}" ${pick(statuses, index)} ${(index * 37) % 90_000} "https://shop.example/list?page=${index % 50}" "${agent}"`;

const authMessages: readonly MakeRecord[] = [
  (i) =>
    `sshd[${i % 30_000}]: Accepted publickey for ${pick(users, i)} from ${address(i)} port ${i % 60_000} ssh2: ED25519 SHA256:M4RzhMyWuFS/86uPY/ce2prh/dVTHW7iD2RhpquOZA`,
  (i) =>
    `sshd[${i % 30_000}]: Failed password for invalid user ${pick(users, i)} from ${address(i)} port ${i % 60_000} ssh2`,
  (i) => `sshd[${i % 30_000}]: pam_unix(sshd:session): session opened for user ${pick(users, i)} by (uid=0)`,
  (i) =>
    `sudo:   ${pick(users, i)} : TTY=pts/0 ; PWD=/srv/app ; USER=root ; COMMAND=/usr/bin/systemctl restart app-${i % 9}`,
  (i) => `sshd[${i % 30_000}]: Disconnected from user ${pick(users, i)} ${address(i)} port ${i % 60_000}`,
];

function json(value: unknown): string {
  return JSON.stringify(value);
}

const cloudtrailActions = [
  ["s3.amazonaws.com", "GetObject", true],
  ["ec2.amazonaws.com", "DescribeInstances", true],
  ["iam.amazonaws.com", "AttachRolePolicy", false],
  ["s3.amazonaws.com", "PutObject", false],
] as const;

function awsIdentity(i: number): unknown {
  const name = pick(users, i);
  const sessionIssuer = {
    type: "Role",
    principalId: `AROAEXAMPLE${i % 50}`,
    arn: `arn:aws:iam::111122223333:role/${name}`,
    accountId: "111122223333",
    userName: name,
  };
  return {
    type: "AssumedRole",
    principalId: `AROAEXAMPLE${i % 50}:${name}`,
    arn: `arn:aws:sts::111122223333:assumed-role/${name}/session`,
    accountId: "111122223333",
    accessKeyId: `ASIAEXAMPLE${i % 500}`,
    sessionContext: { sessionIssuer, attributes: { creationDate: seconds(i - 900), mfaAuthenticated: "false" } },
  };
}

function seconds(index: number): string {
  return at(index).toISOString().replace(/\.\d+/, "");
}

const cloudtrail: MakeRecord = (i) => {
  const [eventSource, eventName, readOnly] = pick(cloudtrailActions, i);
  const bucket = `bucket-${i % 20}`;
  const key = `reports/2026/${i}.parquet`;
  const host = `${bucket}.s3.eu-central-1.amazonaws.com`;
  return json({
    eventVersion: "1.11",
    userIdentity: awsIdentity(i),
    eventTime: seconds(i),
    eventSource,
    eventName,
    awsRegion: "eu-central-1",
    sourceIPAddress: address(i),
    userAgent: "aws-cli/2.31.2 Python/3.13.1 Linux/6.12 exe/x86_64",
    requestParameters: { bucketName: bucket, key, roleName: pick(users, i), Host: host },
    responseElements: null,
    additionalEventData: { SignatureVersion: "SigV4", bytesTransferredIn: 0, bytesTransferredOut: i % 90_000 },
    requestID: `R${i}`,
    eventID: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    readOnly,
    resources: [
      { type: "AWS::S3::Object", ARN: `arn:aws:s3:::${bucket}/${key}` },
      { accountId: "111122223333", type: "AWS::S3::Bucket", ARN: `arn:aws:s3:::${bucket}` },
    ],
    eventType: "AwsApiCall",
    managementEvent: false,
    recipientAccountId: "111122223333",
    eventCategory: "Data",
    tlsDetails: { tlsVersion: "TLSv1.3", cipherSuite: "TLS_AES_128_GCM_SHA256", clientProvidedHostHeader: host },
  });
};

const kubernetes: MakeRecord = (i) =>
  json({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    stage: "ResponseComplete",
    requestURI: `/api/v1/namespaces/pay/pods/api-${i % 90}`,
    verb: pick(["get", "list", "patch", "delete"], i),
    user: { username: `${pick(users, i)}@example.com`, uid: `u-${i % 6}`, groups: ["ops", "system:authenticated"] },
    sourceIPs: [address(i)],
    userAgent: "kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9",
    objectRef: { resource: "pods", namespace: "pay", name: `api-${i % 90}`, apiVersion: "v1" },
    responseStatus: { metadata: {}, code: pick(statuses, i) },
    requestReceivedTimestamp: at(i).toISOString().replace("Z", "456Z"),
    stageTimestamp: at(i + 1)
      .toISOString()
      .replace("Z", "456Z"),
    annotations: {
      "authorization.k8s.io/decision": "allow",
      "authorization.k8s.io/reason": "RBAC: allowed by RoleBinding",
    },
  });

const okta: MakeRecord = (i) =>
  json({
    uuid: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    version: "0",
    published: at(i).toISOString(),
    eventType: pick(["user.session.start", "user.authentication.sso", "group.user_membership.add"], i),
    displayMessage: "User login to Okta",
    severity: "INFO",
    actor: {
      id: `00u${i % 600}`,
      type: "User",
      alternateId: `${pick(users, i)}@example.com`,
      displayName: pick(users, i),
    },
    client: {
      userAgent: { rawUserAgent: agent, os: "Linux", browser: "CHROME" },
      zone: "null",
      device: "Computer",
      ipAddress: address(i),
      geographicalContext: { city: "Berlin", country: "Germany" },
    },
    outcome: { result: pick(["SUCCESS", "FAILURE"], i), reason: null },
    target: [{ id: `0oa${i % 40}`, type: "AppInstance", alternateId: "Payroll", displayName: "Payroll" }],
    transaction: { type: "WEB", id: `T${i}`, detail: {} },
    authenticationContext: { externalSessionId: `102${i % 900}`, authenticationStep: 0 },
    debugContext: { debugData: { requestId: `R${i}`, requestUri: "/api/v1/authn", url: "/api/v1/authn?" } },
    request: { ipChain: [{ ip: address(i), version: "V4", source: null }] },
  });

const github: MakeRecord = (i) =>
  json({
    "@timestamp": at(i).getTime(),
    _document_id: `doc-${i}`,
    action: pick(["git.clone", "repo.create", "org.add_member", "protected_branch.destroy"], i),
    actor: pick(users, i),
    actor_id: i % 6,
    actor_ip: address(i),
    actor_location: { country_code: "DE" },
    org: "acme",
    org_id: 7,
    repo: `acme/service-${i % 40}`,
    repo_id: i % 40,
    operation_type: pick(["access", "create", "modify", "remove"], i),
    user_agent: "git/2.50.1",
    created_at: at(i).getTime(),
    request_id: `R${i}`,
  });

const oid = "http://schemas.microsoft.com/identity/claims/objectidentifier";

const azureActivity: MakeRecord = (i) =>
  json({
    time: at(i).toISOString(),
    resourceId: `/subscriptions/sub-1/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/vm${i % 40}`,
    operationName: pick(
      ["Microsoft.Compute/virtualMachines/write", "Microsoft.Compute/virtualMachines/start/action"],
      i,
    ),
    category: "Administrative",
    resultType: pick(["Start", "Success", "Failure"], i),
    resultSignature: pick(["Started.", "Succeeded.OK", "Failed.Forbidden"], i),
    durationMs: i % 900,
    callerIpAddress: address(i),
    correlationId: `C${i}`,
    tenantId: "tenant-1",
    identity: {
      authorization: { scope: "/subscriptions/sub-1", action: "Microsoft.Compute/virtualMachines/write" },
      claims: { [oid]: `o-${i % 600}`, name: pick(users, i), appid: "portal", idtyp: "user" },
    },
    level: "Information",
    location: "global",
  });

const entra: MakeRecord = (i) =>
  json({
    time: at(i).toISOString(),
    resourceId: "/tenants/tenant-1/providers/Microsoft.aadiam",
    operationName: "Sign-in activity",
    operationVersion: "1.0",
    category: "SignInLogs",
    tenantId: "tenant-1",
    resultType: pick(["0", "50126"], i),
    callerIpAddress: address(i),
    correlationId: `C${i}`,
    properties: {
      id: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
      createdDateTime: at(i).toISOString(),
      userDisplayName: pick(users, i),
      userPrincipalName: `${pick(users, i)}@example.com`,
      userId: `u-${i % 600}`,
      appId: `a-${i % 40}`,
      appDisplayName: "Payroll",
      resourceId: "r-1",
      resourceDisplayName: "Microsoft Graph",
      ipAddress: address(i),
      clientAppUsed: "Browser",
      userAgent: agent,
      conditionalAccessStatus: "success",
      status: { errorCode: pick([0, 50_126], i), failureReason: "Other." },
      location: { city: "Berlin", state: "Berlin", countryOrRegion: "DE" },
    },
  });

const teleport: MakeRecord = (i) =>
  json({
    ei: i % 200,
    event: pick(["user.login", "session.command", "db.session.query"], i),
    code: pick(["T1000I", "T4000I", "TDB02I"], i),
    time: at(i).toISOString(),
    uid: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    cluster_name: "prod",
    user: `${pick(users, i)}@example.com`,
    login: "root",
    success: true,
    "addr.remote": `${address(i)}:${20_000 + (i % 9_000)}`,
    server_id: `srv-${i % 40}`,
    sid: `s-${i % 5_000}`,
    program: "ls",
    path: "/bin/ls",
    argv: ["-l", "/var/log"],
    return_code: 0,
    db_service: "orders",
    db_name: "shop",
    db_query: "select id, total from orders where customer = $1",
    user_agent: "tsh/18.0",
  });

/** One maker for each adapter that is measured. */
export const nativeRecords: Readonly<Record<string, MakeRecord>> = {
  apache: (i) => `shop.example:443 ${combined(i)}`,
  "azure-activity": azureActivity,
  "auth-log": (i) => `${oldTime(i)} web${i % 20} ${pick(authMessages, i)(i)}`,
  cloudtrail,
  combined,
  entra,
  github,
  kubernetes,
  nginx: (i) =>
    json({
      time_iso8601: at(i)
        .toISOString()
        .replace(/\.\d+Z/, "+00:00"),
      remote_addr: address(i),
      remote_user: "",
      request: request(i),
      status: pick(statuses, i),
      body_bytes_sent: (i * 37) % 90_000,
      host: "shop.example",
      http_referer: "https://shop.example/list",
      http_user_agent: agent,
      request_id: `R${i}`,
    }),
  okta,
  teleport,
  syslog: (i) =>
    `<190>1 ${at(i).toISOString()} web${i % 20} nginx ${i % 30_000} - [meta sequenceId="${i}"] ${combined(i)}`,
};
