import type { Op } from "@evident/core";
import { opOfVerb } from "./verb-ops.ts";

/** What an action means where its verb alone would mislead, by service; of an action of several services under `*`. */
const overrides: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "*": {
    AUTH: "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot ConsoleLogin",
    EXECUTE:
      "ExecuteStatement BatchExecuteStatement StartSession StartExecution StartSyncExecution StartQueryExecution",
  },
  athena: { EXECUTE: "StartQueryExecution StartCalculationExecution", READ: "BatchGetQueryExecution" },
  batch: { EXECUTE: "SubmitJob" },
  bedrock: { EXECUTE: "InvokeModel InvokeModelWithResponseStream Converse ConverseStream" },
  cloudtrail: {
    CONFIGURE: "StartLogging StopLogging UpdateTrail PutEventSelectors PutInsightSelectors UpdateEventDataStore",
    EXECUTE: "StartQuery",
  },
  codebuild: { EXECUTE: "StartBuild StartBuildBatch RetryBuild", GRANT: "UpdateProjectVisibility" },
  codecommit: { EXPORT: "GitPull", WRITE: "GitPush" },
  "cognito-idp": {
    AUTH: "InitiateAuth AdminInitiateAuth RespondToAuthChallenge AdminRespondToAuthChallenge Login_GET Login_POST Token_POST",
    CREATE: "SignUp",
    GRANT: "AdminAddUserToGroup",
    LOGOUT: "GlobalSignOut AdminUserGlobalSignOut",
    REVOKE: "AdminRemoveUserFromGroup",
  },
  "cognito-identity": { AUTH: "GetCredentialsForIdentity GetOpenIdToken GetOpenIdTokenForDeveloperIdentity GetId" },
  config: {
    CONFIGURE: "StartConfigurationRecorder StopConfigurationRecorder PutConfigurationRecorder PutDeliveryChannel",
  },
  dynamodb: {
    EXPORT: "ExportTableToPointInTime",
    WRITE: "BatchWriteItem PutItem TransactWriteItems",
    READ: "TransactGetItems BatchGetItem",
  },
  ec2: {
    CREATE: "CopyImage CopySnapshot CopyFpgaImage",
    EXPORT: "CreateInstanceExportTask ExportImage CreateStoreImageTask ExportTransitGatewayRoutes",
    GRANT: "AssociateIamInstanceProfile ReplaceIamInstanceProfileAssociation ModifyVpcEndpointServicePermissions",
    REVOKE: "DisassociateIamInstanceProfile ResetSnapshotAttribute ResetImageAttribute",
    CONFIGURE: "EnableEbsEncryptionByDefault DisableEbsEncryptionByDefault ModifyInstanceMetadataDefaults",
  },
  "ec2-instance-connect": { GRANT: "SendSSHPublicKey SendSerialConsoleSSHPublicKey", EXECUTE: "OpenTunnel" },
  ecr: {
    AUTH: "GetAuthorizationToken",
    GRANT: "SetRepositoryPolicy",
    REVOKE: "DeleteRepositoryPolicy",
    WRITE: "PutImage InitiateLayerUpload CompleteLayerUpload UploadLayerPart",
  },
  ecs: { EXECUTE: "RunTask StartTask ExecuteCommand" },
  eks: {
    EXECUTE: "AccessKubernetesApi",
    GRANT: "CreateAccessEntry AssociateAccessPolicy",
    REVOKE: "DeleteAccessEntry DisassociateAccessPolicy",
  },
  elasticmapreduce: { EXECUTE: "AddJobFlowSteps RunJobFlow" },
  events: { UPDATE: "PutRule PutTargets", WRITE: "PutEvents" },
  firehose: { WRITE: "PutRecord PutRecordBatch" },
  glue: { EXECUTE: "StartJobRun RunStatement" },
  guardduty: { CONFIGURE: "UpdateDetector", READ: "GetFindings" },
  iam: {
    GRANT:
      "AddUserToGroup AddRoleToInstanceProfile UpdateAssumeRolePolicy SetDefaultPolicyVersion AddClientIDToOpenIDConnectProvider",
    REVOKE: "RemoveUserFromGroup RemoveRoleFromInstanceProfile DeleteUserPolicy DeleteRolePolicy DeleteGroupPolicy",
    READ: "GenerateCredentialReport GenerateServiceLastAccessedDetails GenerateOrganizationsAccessReport SimulatePrincipalPolicy",
    CREATE: "UploadSSHPublicKey UploadServerCertificate UploadSigningCertificate",
    CONFIGURE: "UpdateAccountPasswordPolicy DeleteAccountPasswordPolicy",
    EXECUTE: "PassRole",
  },
  identitystore: { GRANT: "CreateGroupMembership", REVOKE: "DeleteGroupMembership" },
  kinesis: { WRITE: "PutRecord PutRecords" },
  kms: {
    DELETE: "ScheduleKeyDeletion",
    EXECUTE:
      "Encrypt ReEncrypt Sign Verify GenerateMac VerifyMac GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateRandom DeriveSharedSecret",
    GRANT: "CreateGrant",
    REVOKE: "RetireGrant RevokeGrant",
    WRITE: "ImportKeyMaterial",
  },
  lambda: { EXECUTE: "Invoke InvokeFunction InvokeAsync" },
  logs: {
    EXPORT: "CreateExportTask",
    READ: "StartQuery FilterLogEvents StartLiveTail",
    WRITE: "PutLogEvents",
    CONFIGURE: "PutSubscriptionFilter PutDestination PutRetentionPolicy DeleteRetentionPolicy",
  },
  macie2: { CONFIGURE: "UpdateMacieSession DisableMacie EnableMacie" },
  organizations: {
    CONFIGURE: "LeaveOrganization EnablePolicyType DisablePolicyType EnableAWSServiceAccess DisableAWSServiceAccess",
    GRANT: "AttachPolicy InviteAccountToOrganization AcceptHandshake RegisterDelegatedAdministrator PutResourcePolicy",
    REVOKE: "DetachPolicy RemoveAccountFromOrganization DeregisterDelegatedAdministrator DeleteResourcePolicy",
  },
  ram: {
    GRANT: "CreateResourceShare AssociateResourceShare",
    REVOKE: "DeleteResourceShare DisassociateResourceShare",
  },
  rds: {
    CONFIGURE: "StartActivityStream StopActivityStream ModifyActivityStream",
    CREATE: "CopyDBSnapshot CopyDBClusterSnapshot CopyDBParameterGroup CopyOptionGroup",
    EXPORT: "StartExportTask",
    GRANT: "AddRoleToDBInstance AddRoleToDBCluster AuthorizeDBSecurityGroupIngress",
    REVOKE: "RemoveRoleFromDBInstance RemoveRoleFromDBCluster",
  },
  redshift: { AUTH: "GetClusterCredentials GetClusterCredentialsWithIAM" },
  rolesanywhere: { AUTH: "CreateSession" },
  s3: {
    CONFIGURE: "DeleteBucketPublicAccessBlock DeleteAccountPublicAccessBlock",
    GRANT: "PutBucketAcl PutObjectAcl PutAccessPointPolicy",
    WRITE: "PutObject PostObject CopyObject UploadPart UploadPartCopy CreateMultipartUpload CompleteMultipartUpload",
    REVOKE: "DeleteBucketPolicy DeleteAccessPointPolicy",
    READ: "SelectObjectContent GetObject HeadObject HeadBucket",
    UPDATE: "PutObjectRetention PutObjectLegalHold PutObjectTagging",
  },
  secretsmanager: { WRITE: "PutSecretValue" },
  signin: {
    AUTH: "ConsoleLogin CheckMfa SwitchRole RenewRole GetSigninToken UserAuthentication",
    LOGOUT: "ExitRole Logout",
    UPDATE: "PasswordUpdated PasswordRecoveryCompleted",
    CREATE: "PasswordRecoveryRequested",
  },
  sso: {
    AUTH: "Authenticate Federate UserAuthentication CredentialChallenge CredentialVerification CreateToken CreateTokenWithIAM GetRoleCredentials",
    CREATE: "StartDeviceAuthorization",
    GRANT:
      "CreateAccountAssignment AttachManagedPolicyToPermissionSet AttachCustomerManagedPolicyReferenceToPermissionSet PutInlinePolicyToPermissionSet ProvisionPermissionSet AssociateProfile",
    REVOKE:
      "DeleteAccountAssignment DetachManagedPolicyFromPermissionSet DetachCustomerManagedPolicyReferenceFromPermissionSet DeleteInlinePolicyFromPermissionSet DisassociateProfile",
  },
  "sso-directory": { GRANT: "AddMemberToGroup", REVOKE: "RemoveMemberFromGroup" },
  ssm: {
    CONFIGURE: "UpdateServiceSetting ResetServiceSetting",
    EXECUTE: "SendCommand StartSession ResumeSession StartAutomationExecution StartChangeRequestExecution",
    GRANT: "ModifyDocumentPermission",
    UPDATE: "TerminateSession",
    WRITE: "PutParameter PutInventory PutComplianceItems",
  },
  ssmmessages: { EXECUTE: "OpenDataChannel OpenControlChannel CreateDataChannel CreateControlChannel" },
  states: { EXECUTE: "StartExecution StartSyncExecution" },
  sts: { AUTH: "GetSessionToken GetFederationToken", READ: "DecodeAuthorizationMessage GetCallerIdentity" },
};

const known: ReadonlyMap<string, Op> = new Map(
  Object.entries(overrides).flatMap(([service, ops]) =>
    Object.entries(ops).flatMap(([op, names]) =>
      names.split(" ").map((name) => [`${service}:${name}`, op as Op] as const),
    ),
  ),
);

/** Policies that govern a life cycle, not who may do what. */
const HOUSEKEEPING_POLICY = /(?:Lifecycle|Retention|Scaling|Backup|Archive|Replication|Health|Snapshot)\w*Policy$/i;
const WORDY_RULES: readonly (readonly [RegExp, Op])[] = [
  [/^Attach\w*Policy$/, "GRANT"],
  [/^Detach\w*Policy$/, "REVOKE"],
  [/^Put\w*Policy$/, "GRANT"],
  [/^Delete(?:Resource|Bucket|Repository|Registry|Key|Topic|Queue|FileSystem|Vault|Container)\w*Policy$/, "REVOKE"],
  [/^Add\w*Permissions?$/, "GRANT"],
  [/^Remove\w*Permissions?$/, "REVOKE"],
  [/^Put\w*(?:Configuration|Config|Settings?|Preferences?)$/, "CONFIGURE"],
  [/^(?:Put|Delete)(?:Bucket|Account)\w+$/, "CONFIGURE"],
];

/** Lambda and CloudFront put the version of their API behind the name. */
const API_VERSION = /\d{4}_?\d\d_?\d\d(?:v\d+)?$/;

/**
 * What a CloudTrail event did. @param service `eventSource` without `.amazonaws.com`
 * @returns undefined for a verb that is not known
 */
export function cloudtrailOp(service: string, eventName: string): Op | undefined {
  const name = API_VERSION.test(eventName) ? eventName.replace(API_VERSION, "") : eventName;
  const exact = known.get(`${service}:${name}`) ?? known.get(`*:${name}`);
  if (exact !== undefined) return exact;
  if (/Policy$|Permissions?$|^Put|^Delete(?:Bucket|Account)./.test(name)) {
    if (HOUSEKEEPING_POLICY.test(name)) return /^(?:Put|Delete)/.test(name) ? "CONFIGURE" : opOfVerb(name);
    const rule = WORDY_RULES.find(([form]) => form.test(name));
    if (rule !== undefined) return rule[1];
  }
  return opOfVerb(name);
}
