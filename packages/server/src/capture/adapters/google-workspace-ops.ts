import type { Op } from "@evident/core";
import { type JsonObject, textAt, textsAt } from "../adapt/index.ts";
import { opOfVerb } from "./verb-ops.ts";

/** What the events of an application mean, where their first word alone would mislead. */
const overrides: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  admin: {
    EXPORT:
      "DOWNLOAD_USERLIST_CSV DOWNLOAD_REPORT DOWNLOAD_UNLINKED_DEVICES_LIST CUSTOMER_TAKEOUT_CREATED CUSTOMER_TAKEOUT_SCHEDULED CUSTOMER_TAKEOUT_SUCCEEDED CUSTOMER_TAKEOUT_FAILED SECURITY_INVESTIGATION_EXPORT_QUERY",
    GRANT:
      "ADD_GROUP_MEMBER ADD_PRIVILEGE ASSIGN_ROLE GRANT_ADMIN_PRIVILEGE GRANT_DELEGATED_ADMIN_PRIVILEGES AUTHORIZE_API_CLIENT_ACCESS USER_LICENSE_ASSIGNMENT ADD_TO_TRUSTED_OAUTH2_APPS ADD_DELEGATED_ADMIN",
    LIST: "EMAIL_LOG_SEARCH SECURITY_INVESTIGATION_QUERY",
    READ: "ALERT_CENTER_VIEW VIEW_TEMP_PASSWORD VIEW_DNS_LOOKUP_DETAILS SECURITY_INVESTIGATION_CONTENT_ACCESS",
    REVOKE:
      "REMOVE_GROUP_MEMBER REMOVE_PRIVILEGE UNASSIGN_ROLE REVOKE_ADMIN_PRIVILEGE REVOKE_DELEGATED_ADMIN_PRIVILEGES REMOVE_API_CLIENT_ACCESS USER_LICENSE_REVOKE REMOVE_FROM_TRUSTED_OAUTH2_APPS REVOKE_3LO_TOKEN REVOKE_ASP",
    UPDATE: "SUSPEND_USER UNSUSPEND_USER RESET_SIGNIN_COOKIES",
  },
  calendar: { EXPORT: "export_calendar", READ: "print_preview_calendar", GRANT: "change_event_guest add_event_guest" },
  chat: {
    READ: "attachment_downloaded",
    WRITE: "message_posted message_edited attachment_uploaded",
    DELETE: "message_deleted",
    CREATE: "room_created",
    GRANT: "add_room_member invite_send room_member_added",
    REVOKE: "remove_room_member room_member_removed",
  },
  context_aware_access: { AUTH: "ACCESS_DENY_EVENT ACCESS_DENY_INTERNAL_ERROR_EVENT MONITOR_MODE_ACCESS_DENY_EVENT" },
  drive: {
    CONFIGURE: "shared_drive_settings_change team_drive_settings_change change_acl_editors publish_change",
    CREATE: "upload copy untrash",
    DELETE: "trash",
    GRANT: "change_owner change_owner_hierarchy_reconciled",
    READ: "print preview source_copy sheets_import_range sheets_import_url connected_sheets_query access_url access_item_content prefetch_item_content",
    REVOKE: "deny_access_request remove_from_folder_and_revoke expire_access_request",
    OTHER: "request_access",
  },
  gmail: { WRITE: "delivery", READ: "download view open link_click" },
  groups: {
    GRANT: "add_user join approve_join_request invite_user change_acl_permission add_member accept_invitation",
    REVOKE: "remove_user ban_user_with_moderation reject_join_request remove_member",
  },
  groups_enterprise: {
    GRANT: "add_member add_info_setting add_member_role add_service_account_permission add_security_setting join",
    REVOKE: "remove_member remove_member_role remove_service_account_permission",
  },
  login: {
    AUTH: "login_success login_failure login_challenge login_verification suspicious_login suspicious_login_less_secure_app suspicious_programmatic_login risky_sensitive_action_allowed risky_sensitive_action_blocked gov_attack_warning",
    LOGOUT: "logout",
    UPDATE:
      "account_disabled_generic account_disabled_hijacked account_disabled_password_leak account_disabled_spamming account_disabled_spamming_through_relay password_edit",
    CONFIGURE: "email_forwarding_out_of_domain",
  },
  saml: { AUTH: "login_success login_failure" },
  token: { GRANT: "authorize", REVOKE: "revoke", EXECUTE: "activity" },
  user_accounts: {
    UPDATE:
      "2sv_disable 2sv_enroll password_edit recovery_email_edit recovery_phone_edit recovery_secret_qa_edit titanium_enroll titanium_unenroll",
    CONFIGURE: "email_forwarding_out_of_domain",
  },
  user_takeout: {
    EXPORT:
      "user_takeout_created user_takeout_scheduled user_takeout_initiated user_takeout_succeeded user_takeout_download",
  },
  access_transparency: { READ: "ACCESS" },
};

const known: ReadonlyMap<string, Op> = new Map(
  Object.entries(overrides).flatMap(([application, ops]) =>
    Object.entries(ops).flatMap(([op, names]) =>
      names.split(" ").map((name) => [`${application}:${name}`, op as Op] as const),
    ),
  ),
);

/** Changes of how the organization is set up. */
const SETUP = /SETTING|TOGGLE|WHITELIST|BLACKLIST|ALLOWLIST|POLICY|_RULE|SSO|MDM|inboundSso|sso_?profile/i;
/** What the admin console calls its verbs at the end. */
const LAST_WORD: readonly (readonly [RegExp, Op])[] = [
  [/(?:_|[a-z])(?:CREATED|Created|created)$/, "CREATE"],
  [/(?:_|[a-z])(?:DELETED|Deleted|deleted)$/, "DELETE"],
  [/(?:_|[a-z])(?:UPDATED|Updated|updated|CHANGED|changed)$/, "UPDATE"],
];

/** Sharing with more people, or with fewer. */
function sharingOp(parameters: JsonObject): Op {
  const [access] = textsAt(parameters, "new_value");
  const given = textAt(parameters, "access_level") ?? access ?? textAt(parameters, "new_value");
  if (given === "none" || given === "private") return "REVOKE";
  const change = textAt(parameters, "membership_change_type");
  return change?.startsWith("remove") === true ? "REVOKE" : "GRANT";
}

const SHARING =
  /^(?:change_user_access|change_document_visibility|change_document_access_scope|change_calendar_acls|shared_drive_membership_change|team_drive_membership_change)(?:_hierarchy_reconciled)?$/;

/** What an event of Google Workspace did; undefined for one that is not known. */
export function workspaceOp(application: string, name: string, parameters: JsonObject): Op | undefined {
  const exact = known.get(`${application}:${name}`);
  if (exact !== undefined) return exact;
  if (SHARING.test(name)) return sharingOp(parameters);
  if (application === "admin" && SETUP.test(name)) return "CONFIGURE";
  const last = LAST_WORD.find(([form]) => form.test(name));
  return last?.[1] ?? opOfVerb(name.replace(/[A-Z]{2,}/g, (word) => word.toLowerCase()));
}
