import { describe, expect, it } from "vitest";
import { hasSharedData, type Label, labelsAt, pantherEvents, readNative, readShared } from "../testing/index.ts";
import { googleWorkspace } from "./google-workspace.ts";

const IP = "203.0.113.255";

/** Of fixtures in the form of Cloud Logging. */
const fixtures: Readonly<Record<string, Label>> = {
  "google.admin.AdminService.addGroupMember": [
    "user admin@example.com",
    "GRANT",
    "admin:ADD_GROUP_MEMBER",
    "google.group admins@example.com",
    "organizations/123",
    "success",
    IP,
  ],
  "google.login.LoginService.loginFailure": [
    "user test-user@example.com",
    "AUTH",
    "login:login_failure",
    "google.user test-user@example.com",
    "organizations/123",
    "denied",
    IP,
  ],
  "google.login.LoginService.loginSuccess": [
    "user test-admin@example.com",
    "AUTH",
    "login:login_success",
    "google.user test-admin@example.com",
    "organizations/123",
    "success",
    IP,
  ],
  "google.login.LoginService.loginSuccess-isSuspicious": [
    "user test@example.com",
    "AUTH",
    "login:login_success",
    "google.user test@example.com",
    "organizations/123",
    "success",
    IP,
  ],
};

const FILE = "google.drive-file 123456789aBcDeFgHiJkLmNoPqRsTuVwXyZ0-a1B2c3D";
const SHARED = "CUSTID > 123456789aB_a1B2c3D";
const JUSTICE = "user 112233445566778899001";
const EXAMPLE = "12.12.12.12";

/** Lines of Panther's samples, written from them before the adapter ran. */
const panther: readonly (readonly [number, ...string[]])[] = [
  [
    1,
    "user 12345",
    "CONFIGURE",
    "admin:ADD_MOBILE_APPLICATION_TO_WHITELIST",
    "google.mobile-app com.google.android.calculator",
    "D12345",
    "success",
    EXAMPLE,
  ],
  [
    2,
    "user 12345",
    "CONFIGURE",
    "admin:CREATE_APPLICATION_SETTING",
    "google.setting Advanced Protection Program Settings - Enable user enrollment",
    "D12345",
    "success",
    EXAMPLE,
  ],
  [
    3,
    "user 118111111111111111111",
    "UPDATE",
    "drive:rename",
    "google.drive-file 1GGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGG",
    "D12345",
    "success",
    EXAMPLE,
  ],
  [4, JUSTICE, "READ", "drive:download", FILE, SHARED, "success", "1.1.1.1"],
  [5, JUSTICE, "READ", "drive:view", FILE, SHARED, "success", "1.1.1.1"],
  [
    9,
    "user 110111111111111111111",
    "GRANT",
    "calendar:change_calendar_acls",
    "google.calendar user@example.io",
    "D12345",
    "success",
    "1.2.3.4",
  ],
  [
    10,
    "user 110111111111111111111",
    "REVOKE",
    "calendar:change_calendar_acls",
    "google.calendar user@example.io",
    "D12345",
    "success",
    "1.2.3.4",
  ],
  [
    11,
    "user 12345",
    "CONFIGURE",
    "admin:CHANGE_CALENDAR_SETTING",
    "google.setting SHARING_OUTSIDE_DOMAIN",
    "D12345",
    "success",
    EXAMPLE,
  ],
  [
    13,
    "user 1234567890",
    "GRANT",
    "drive:change_owner",
    "google.drive-file 1234567890",
    "C123abcde",
    "success",
    "1.2.3.4",
  ],
  [
    15,
    "user 100606748236723241722",
    "GRANT",
    "drive:change_owner",
    "google.drive-file 1234567890",
    "C123abcde > 1234567890",
    "success",
    "1.2.3.4",
  ],
  [16, "unreadable", "id.time"],
  [
    21,
    "user some.user@somedomain.com",
    "AUTH",
    "saml:login_success",
    "google.saml-app Some SAML Application",
    "-",
    "success",
    "10.10.10.10",
  ],
  [
    22,
    "user 123456789",
    "WRITE",
    "gmail:delivery",
    "google.mailbox oliver@justice.org",
    "C12345",
    "success",
    "1.1.1.1",
  ],
  [28, "user 999888777", "CREATE", "drive:upload", "google.application drive", "C12345", "success", "1.1.1.1"],
  [
    37,
    "user 111111111111111111111",
    "EXPORT",
    "admin:CUSTOMER_TAKEOUT_SUCCEEDED",
    "google.takeout 00mmmmmmmmmmmmm",
    "D12345",
    "success",
    "-",
  ],
  [
    39,
    "user 110555555555555555555",
    "CONFIGURE",
    "admin:CREATE_GMAIL_SETTING",
    "google.setting MESSAGE_SECURITY_RULE",
    "D12345",
    "success",
    EXAMPLE,
  ],
  [
    40,
    "user 110555555555555555555",
    "CONFIGURE",
    "admin:DELETE_GMAIL_SETTING",
    "google.setting MESSAGE_SECURITY_RULE",
    "D12345",
    "success",
    EXAMPLE,
  ],
];

describe.skipIf(!hasSharedData)("Google Workspace activities labelled by hand", () => {
  for (const [name, label] of Object.entries(fixtures)) {
    it(`are read as labelled: ${name}`, async () => {
      const input = await readNative(googleWorkspace, readShared(`gcp/${name}.json`));
      expect(labelsAt(input, [1])).toEqual([[1, ...label]]);
    });
  }

  it("are read as labelled among the samples of a vendor", async () => {
    const input = await readNative(googleWorkspace, pantherEvents("GSuite.ActivityEvent"));
    const lines = panther.map(([line]) => line);
    expect(labelsAt(input, lines)).toEqual(panther);
  });
});
