import { type JsonObject, type NativeEvent, textAt } from "../adapt/index.ts";

type Resource = NativeEvent["resources"][number];

interface Place {
  readonly application: string;
  readonly name: string;
  readonly parameters: JsonObject;
  /** Whose mailbox or account it is where the parameters name nobody. */
  readonly actorEmail: string | undefined;
  readonly scope: readonly string[];
}

/** Parameters that name a resource, by application: the first that is there is the target. */
const named: Readonly<Record<string, readonly (readonly [parameter: string, type: string])[]>> = {
  admin: [
    ["SETTING_NAME", "google.setting"],
    ["GROUP_EMAIL", "google.group"],
    ["USER_EMAIL", "google.user"],
    ["ROLE_NAME", "google.role"],
    ["MOBILE_APP_PACKAGE_ID", "google.mobile-app"],
    ["API_CLIENT_NAME", "google.api-client"],
    ["OAUTH2_APP_ID", "google.oauth-app"],
    ["DEVICE_ID", "google.device"],
    ["RESOURCE_IDENTIFIER", "google.calendar-resource"],
    ["OBFUSCATED_CUSTOMER_TAKEOUT_REQUEST_ID", "google.takeout"],
    ["DOMAIN_NAME", "google.domain"],
    ["ORG_UNIT_NAME", "google.org-unit"],
    ["INBOUND_SSO_PROFILE_NAME", "google.sso-profile"],
    ["APPLICATION_NAME", "google.application"],
  ],
  calendar: [
    ["event_id", "google.calendar-event"],
    ["calendar_id", "google.calendar"],
  ],
  chat: [
    ["message_id", "google.chat-message"],
    ["room_id", "google.chat-room"],
  ],
  drive: [
    ["doc_id", "google.drive-file"],
    ["shared_drive_id", "google.shared-drive"],
    ["team_drive_id", "google.shared-drive"],
  ],
  groups: [
    ["group_email", "google.group"],
    ["group_id", "google.group"],
  ],
  groups_enterprise: [
    ["group_id", "google.group"],
    ["group_email", "google.group"],
  ],
  meet: [
    ["conference_id", "google.conference"],
    ["meeting_code", "google.conference"],
  ],
  mobile: [["DEVICE_ID", "google.device"]],
  saml: [["application_name", "google.saml-app"]],
  token: [
    ["client_id", "google.oauth-app"],
    ["app_name", "google.oauth-app"],
  ],
  user_takeout: [["TAKEOUT_JOB_ID", "google.takeout"]],
};

/** Parameters that name who gets or loses something. */
const affected = [
  "USER_EMAIL",
  "target_user",
  "grantee_email",
  "new_owner",
  "target",
  "user_email",
  "member_id",
  "event_guest",
];
const ACCOUNT = new Set(["login", "user_accounts"]);

function targetOf({ application, parameters, actorEmail, scope }: Place): Resource | undefined {
  for (const [parameter, type] of Object.hasOwn(named, application) ? (named[application] ?? []) : []) {
    const id = textAt(parameters, parameter);
    if (id === undefined) continue;
    const title = type === "google.drive-file" ? textAt(parameters, "doc_title") : undefined;
    const drive = textAt(parameters, "shared_drive_id") ?? textAt(parameters, "team_drive_id");
    const inDrive = drive === undefined ? scope : [...scope, drive];
    return { type, id, name: title, scope: type === "google.drive-file" ? inDrive : scope };
  }
  const account = textAt(parameters, "affected_email_address") ?? actorEmail;
  if (ACCOUNT.has(application) && account !== undefined) return { type: "google.user", id: account, scope };
  if (application !== "gmail") return undefined;
  const message = textAt(parameters, "message_info", "rfc2822_message_id");
  if (message !== undefined) return { type: "google.message", id: message, scope };
  return actorEmail === undefined ? undefined : { type: "google.mailbox", id: actorEmail, scope };
}

/** What an event of Google Workspace was about, and whom it touched. */
export function workspaceResources(place: Place): {
  readonly resources: readonly Resource[];
  readonly warning?: string;
} {
  const { application, parameters, scope } = place;
  const target = targetOf(place);
  const others = affected.flatMap((parameter): readonly Resource[] => {
    const id = textAt(parameters, parameter);
    const drive = parameter === "new_owner" ? textAt(parameters, "new_owner_team_drive_id") : undefined;
    if (drive !== undefined) return [{ type: "google.shared-drive", id: drive, name: id, scope, role: "affected" }];
    return id === undefined || id === target?.id ? [] : [{ type: "google.user", id, scope, role: "affected" }];
  });
  const unit = target?.type === "google.setting" ? textAt(parameters, "ORG_UNIT_NAME") : undefined;
  const related: readonly Resource[] =
    unit === undefined ? [] : [{ type: "google.org-unit", id: unit, scope, role: "related" }];
  if (target !== undefined) return { resources: [target, ...others, ...related] };
  const whole = { type: "google.application", id: application, scope };
  return { resources: [whole, ...others], warning: "resource:default" };
}
