import type { Op } from "@evident/core";
import { lookUp } from "../adapt/index.ts";

/** Activities, in lower case, whose first word does not say what they do. */
const exact: Readonly<Record<string, Op>> = {
  "consent to application": "GRANT",
  "add user sponsor": "GRANT",
  "update stsrefreshtokenvalidfrom timestamp": "REVOKE",
  "user has elevated their access to user access administrator for their azure resources": "GRANT",
  "the role assignment of user has been removed from the user": "REVOKE",
  "self-service password reset flow activity progress": "AUTH",
  "self-service password change flow activity progress": "AUTH",
  "user started security info registration": "UPDATE",
  "user registered security info": "CREATE",
  "user deleted security info": "DELETE",
  "user changed default security info": "UPDATE",
  "user registered all required security info": "CREATE",
  "admin registered security info": "CREATE",
  "admin deleted security info": "DELETE",
  "set domain authentication": "CONFIGURE",
  "set federation settings on domain": "CONFIGURE",
  "set company information": "CONFIGURE",
  "set directory feature on tenant": "CONFIGURE",
  "set dirsyncenabled flag": "CONFIGURE",
  "update company settings": "CONFIGURE",
  "update authorization policy": "CONFIGURE",
  "update authentication methods policy": "CONFIGURE",
  "enable strong authentication": "CONFIGURE",
  "disable strong authentication": "CONFIGURE",
  "disable desktop sso": "CONFIGURE",
  "unlock user account (self-service)": "UPDATE",
  "blocked from self-service password reset": "AUTH",
  "fraud reported - user is blocked for mfa": "UPDATE",
  "download groups": "EXPORT",
  "bulk download users": "EXPORT",
  import: "WRITE",
  export: "WRITE",
  "synchronization rule action": "WRITE",
  "process request": "OTHER",
  "process escrow": "OTHER",
  "access review ended": "OTHER",
};

/** Phrases that decide, in this order. */
const phrases: readonly (readonly [RegExp, Op])[] = [
  [
    /^(?:add|added) (?:eligible |scoped )?(?:member|owner)s? to|^add .*(?:role assignment|permission grant|member|owner|administrator)|^assign|^approve|^activate .*role|^grant|^extend/,
    "GRANT",
  ],
  [
    /^(?:remove|delete|removed) .*(?:role assignment|permission grant|from role|from group|member|owner|administrator)|^unassign|^revoke|^deny|^remove .* from /,
    "REVOKE",
  ],
  [/^bulk (?:create|invite|import)/, "CREATE"],
  [/^bulk delete/, "DELETE"],
  [/^(?:bulk )?download|^export/, "EXPORT"],
  [/^(?:hard delete|delete|deleted|remove|removed|purge)/, "DELETE"],
  [/^(?:add|added|create|created|invite|register|issue|generate|enroll|redeem|upload|start)/, "CREATE"],
  [
    /^(?:update|updated|change|changed|reset|set|restore|restored|enable|disable|block|unblock|lock|unlock|convert|rename|review|modify|edit|cancel|complete|verify|promote)/,
    "UPDATE",
  ],
  [/^(?:read|get|view|show|list)/, "READ"],
  [/^(?:sign-?in|validate user authentication|user login|authentication)/, "AUTH"],
  [/^sign-?out/, "LOGOUT"],
];

const operationTypes: Readonly<Record<string, Op>> = {
  add: "CREATE",
  create: "CREATE",
  update: "UPDATE",
  delete: "DELETE",
  assign: "GRANT",
  unassign: "REVOKE",
};

/** What an activity of the Entra audit log does; undefined when neither its name nor its type of operation says it. */
export function entraOp(activity: string, operationType: string | undefined): Op | undefined {
  const name = activity.trim().toLowerCase();
  const known = lookUp(exact, name) ?? phrases.find(([form]) => form.test(name))?.[1];
  return known ?? lookUp(operationTypes, operationType?.toLowerCase());
}

/** Codes of sign-ins that wait for the user: a second factor, a new password, "stay signed in?", an account to be chosen. */
const interrupts: ReadonlySet<string> = new Set([
  "16000",
  "16001",
  "16003",
  "29200",
  "50058",
  "50072",
  "50074",
  "50076",
  "50078",
  "50079",
  "50089",
  "50097",
  "50125",
  "50127",
  "50129",
  "50140",
  "50142",
  "50144",
  "50158",
  "50178",
  "50199",
  "51006",
  "52004",
  "81010",
  "399218",
]);

/**
 * What a code of a sign-in (`AADSTS…`) says: a wrong proof of identity and a policy's refusal are `denied`, a fault of a service or an
 * application's malformed request is `failure`.
 */
export function signInStatus(code: string): "success" | "denied" | "failure" | "pending" {
  if (code === "0") return "success";
  if (interrupts.has(code)) return "pending";
  // 5xxxx and 500xxx: proof of identity, locked accounts, policies. 65xxx: consent. 70xx215 and so on: proof of an application.
  if (/^(?:5\d{4}|500\d{3}|501\d{3}|53\d{4}|65\d{3}|700\d{4}|13\d{4}|1400\d{2}|8001[24]|80007)$/.test(code))
    return "denied";
  return "failure";
}
