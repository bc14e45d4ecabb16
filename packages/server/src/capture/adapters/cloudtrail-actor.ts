import { type JsonObject, type NativeEvent, objectAt, readLooseTime, textAt } from "../adapt/index.ts";

type Actor = NativeEvent["actor"];

const types: Readonly<Record<string, Actor["type"]>> = {
  Root: "user",
  IAMUser: "user",
  IdentityCenterUser: "user",
  SAMLUser: "user",
  WebIdentityUser: "user",
  FederatedUser: "user",
  Directory: "user",
  AssumedRole: "role",
  Role: "role",
  AWSService: "system",
  AWSAccount: "user",
};

const ANONYMOUS = new Set(["ANONYMOUS_PRINCIPAL", "anonymous"]);

function typeOf(identity: JsonObject): Actor["type"] {
  const type = textAt(identity, "type") ?? "";
  const principal = textAt(identity, "principalId") ?? "";
  if (ANONYMOUS.has(principal) || (principal === "" && ANONYMOUS.has(textAt(identity, "accountId") ?? ""))) {
    return "anonymous";
  }
  // Somebody of another account: the beginning of the id says what kind of identity it is.
  if (type === "AWSAccount" && (principal.startsWith("AROA") || principal.startsWith("ASIA"))) return "role";
  const known = Object.hasOwn(types, type) ? types[type] : undefined;
  if (known !== undefined) return known;
  // IAM Identity Center signs users in as type Unknown, with their names.
  return textAt(identity, "userName") === undefined ? "unknown" : "user";
}

function isHidden(text: string | undefined): boolean {
  return text?.startsWith("HIDDEN_DUE_TO") === true;
}

function idOf(identity: JsonObject): string | undefined {
  const type = textAt(identity, "type");
  const principal = textAt(identity, "principalId");
  const user = textAt(identity, "userName");
  // Of type Unknown the principal is the account.
  if (type === "Unknown" && user !== undefined && principal === textAt(identity, "accountId")) return user;
  return (
    (isHidden(principal) ? undefined : principal) ??
    textAt(identity, "arn") ??
    textAt(identity, "onBehalfOf", "userId") ??
    textAt(identity, "invokedBy") ??
    (isHidden(user) ? undefined : user) ??
    textAt(identity, "accountId")
  );
}

/** The name at the end of an ARN: `role/session` of an assumed role, `alice` of a user. */
function nameOf(identity: JsonObject): string | undefined {
  const user = textAt(identity, "userName");
  if (user !== undefined && !isHidden(user)) return user;
  const arn = textAt(identity, "arn");
  const rest = arn?.split(":").slice(5).join(":");
  return rest?.replace(/^(?:assumed-role|federated-user)\//, "").replace(/^(?:user|role)\/(?:.*\/)?/, "");
}

/** What the user ids of an identity are unique in: the account, or who issued them. */
function namespaceOf(identity: JsonObject, account: string | undefined): string {
  const issuer = textAt(identity, "onBehalfOf", "identityStoreArn") ?? textAt(identity, "identityProvider");
  const isForeign = ["IdentityCenterUser", "SAMLUser", "WebIdentityUser"].includes(textAt(identity, "type") ?? "");
  if (isForeign && issuer !== undefined) return issuer;
  const own = textAt(identity, "accountId");
  const name = own === undefined || ANONYMOUS.has(own) ? account : own;
  return name === undefined ? "aws" : `aws:${name}`;
}

/** Whether a second factor was used, as text `true`, a boolean or, at sign-in, `Yes`. */
function usedMfa(record: JsonObject, identity: JsonObject): boolean | undefined {
  const said =
    textAt(record, "additionalEventData", "MFAUsed") ??
    textAt(identity, "sessionContext", "attributes", "mfaAuthenticated");
  if (said === undefined) return undefined;
  return /^(?:true|yes)$/i.test(said) ? true : /^(?:false|no)$/i.test(said) ? false : undefined;
}

function sessionOf(record: JsonObject, identity: JsonObject): Actor["session"] {
  const principal = textAt(identity, "principalId") ?? "";
  const colon = principal.indexOf(":");
  const isSession = colon > 0 && (textAt(identity, "type") === "AssumedRole" || principal.startsWith("AROA"));
  return {
    id: isSession ? principal.slice(colon + 1) : undefined,
    created: readLooseTime(textAt(identity, "sessionContext", "attributes", "creationDate"))?.occurred,
    mfa: usedMfa(record, identity),
    issuer: textAt(identity, "sessionContext", "sessionIssuer", "arn"),
  };
}

function credentialOf(identity: JsonObject): Actor["credential"] {
  const key = textAt(identity, "accessKeyId");
  if (key !== undefined) return { kind: "access_key", id: key };
  const credential = textAt(identity, "credentialId");
  return credential === undefined ? undefined : { kind: "identity_center", id: credential };
}

/** Whom a role or service acted for: the user behind a propagated identity, and the source identity that was set. */
function delegators(identity: JsonObject, ns: string): Actor["onBehalfOf"] {
  const user = textAt(identity, "onBehalfOf", "userId");
  const store = textAt(identity, "onBehalfOf", "identityStoreArn") ?? ns;
  const source = textAt(identity, "sessionContext", "sourceIdentity");
  return [
    ...(user === undefined || textAt(identity, "type") === "IdentityCenterUser"
      ? []
      : [{ type: "user", id: user, ns: store } as const]),
    ...(source === undefined ? [] : [{ type: "user", id: source, ns } as const]),
  ];
}

/** Who acted, with a warning where the record does not say it. @param account that received the event */
export function cloudtrailActor(
  record: JsonObject,
  account: string | undefined,
): { readonly actor: Actor; readonly warning?: string } {
  const identity = objectAt(record, "userIdentity");
  if (identity === undefined) return withoutIdentity(record, account);
  const type = typeOf(identity);
  const ns = namespaceOf(identity, account);
  const isRoot = textAt(identity, "type") === "Root";
  const id = type === "anonymous" ? "ANONYMOUS_PRINCIPAL" : idOf(identity);
  const actor: Actor = {
    type,
    id: id ?? "unknown",
    ns,
    name: isRoot ? "root" : nameOf(identity),
    session: sessionOf(record, identity),
    credential: credentialOf(identity),
    onBehalfOf: delegators(identity, ns),
  };
  return id === undefined ? { actor, warning: "actor:default" } : { actor };
}

/** Events of a service itself and insights have no identity: the service acted. */
function withoutIdentity(record: JsonObject, account: string | undefined): ReturnType<typeof cloudtrailActor> {
  const ns = account === undefined ? "aws" : `aws:${account}`;
  const eventType = textAt(record, "eventType");
  const service = eventType === "AwsCloudTrailInsight" ? "cloudtrail.amazonaws.com" : textAt(record, "eventSource");
  if ((eventType === "AwsServiceEvent" || eventType === "AwsCloudTrailInsight") && service !== undefined) {
    return { actor: { type: "system", id: service, ns } };
  }
  return { actor: { type: "unknown", id: "unknown", ns }, warning: "actor:default" };
}
