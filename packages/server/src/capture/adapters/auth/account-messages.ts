import type { Op } from "@evident/core";
import { type AuthFact, type AuthMessage, account, type MessageForm, readForms, saying } from "./auth-fact.ts";

type Status = AuthFact["status"];

function change(
  app: string,
  op: Op,
  what: string,
  target: { readonly type: string; readonly id: string },
  more: Partial<AuthFact> & { readonly status?: Status } = {},
): AuthFact {
  return { op, name: `${app} ${what}`, kind: "iam", status: "success", target, ...more };
}

function group(id: string): { readonly type: string; readonly id: string } {
  return { type: "os.group", id };
}

/** Forms of shadow's tools: useradd, usermod, userdel, groupadd, groupmod, groupdel, gpasswd, passwd, chage, chfn, chsh. */
const formsOf = (app: string): readonly MessageForm[] => [
  [
    /^new user: name=([^,]{1,256}), UID=(\d{1,10}), GID=(\d{1,10}), home=([^,]{0,1024}), shell=([^,]{0,1024})/,
    ([user = "", uid = "", gid = "", home = "", shell = ""]) =>
      change(app, "CREATE", "new user", account(user), { detail: saying({ uid, gid, home, shell }) }),
  ],
  [/^new group: name=([^,]{1,256}), GID=\d{1,10}$/, ([name = ""]) => change(app, "CREATE", "new group", group(name))],
  [/^group added to /, () => ({ skipped: "a group's line repeated for another file" })],
  [
    /^failed adding user '?(.{1,256}?)'?(?:, .{0,256})?$/,
    ([user = ""]) => change(app, "CREATE", "new user", account(user), { status: "failure" }),
  ],
  [
    /^add '(.{1,256}?)' to group '(.{1,256}?)'$/,
    ([user = "", name = ""]) => change(app, "GRANT", "add to group", group(name), { affected: account(user) }),
  ],
  [
    /^delete '(.{1,256}?)' from group '(.{1,256}?)'$/,
    ([user = "", name = ""]) => change(app, "REVOKE", "delete from group", group(name), { affected: account(user) }),
  ],
  [
    /^(?:add|delete) '.{1,256}?' (?:to|from) shadow group '.{1,256}?'$/,
    () => ({ skipped: "a group's line repeated for another file" }),
  ],
  [/^delete user '(.{1,256}?)'$/, ([user = ""]) => change(app, "DELETE", "delete user", account(user))],
  [
    /^removed (?:shadow )?group '(.{1,256}?)' owned by '.{1,256}?'$/,
    ([name = ""]) => change(app, "DELETE", "removed group", group(name)),
  ],
  [/^group '(.{1,256}?)' removed$/, ([name = ""]) => change(app, "DELETE", "removed group", group(name))],
  [/^group '(.{1,256}?)' removed from \S{1,256}$/, () => ({ skipped: "a group's line repeated for another file" })],
  [
    /^(lock|unlock) user '(.{1,256}?)' password$/,
    ([word = "", user = ""]) => change(app, "UPDATE", `${word} password`, account(user)),
  ],
  [
    /^change user '(.{1,256}?)' (\w{1,64}(?: \w{1,64}){0,4}?)(?: from '(.{0,1024}?)' to '(.{0,1024}?)')?$/,
    ([user = "", what = "", before = "", after = ""]) =>
      change(app, "UPDATE", `change ${what}`, account(user), { detail: saying({ from: before, to: after }) }),
  ],
  [
    /^user (\S{1,256}) (added|removed) by (\S{1,256}) (?:to|from) group (\S{1,256})$/,
    ([user = "", word = "", by = "", name = ""]) =>
      word === "added"
        ? change(app, "GRANT", "add to group", group(name), { user: by, affected: account(user) })
        : change(app, "REVOKE", "delete from group", group(name), { user: by, affected: account(user) }),
  ],
  [
    /^password for '?(.{1,256}?)'? changed by '?(.{1,256}?)'?$/,
    ([user = "", by = ""]) => change(app, "UPDATE", "password change", account(user), { user: by }),
  ],
  [
    /^(?:changed password expiry for|changed expiration data for|changed user) '?(\S{1,256}?)'?(?: (shell|information).{0,1024})?$/,
    ([user = ""]) => change(app, "UPDATE", "change account", account(user)),
  ],
  [
    /^can't view or modify password information for (\S{1,256})$/,
    ([user = ""]) => change(app, "UPDATE", "password change", account(user), { status: "denied" }),
  ],
];

const programs = [
  "useradd",
  "usermod",
  "userdel",
  "groupadd",
  "groupmod",
  "groupdel",
  "gpasswd",
  "passwd",
  "chpasswd",
  "chage",
  "chfn",
  "chsh",
  "adduser",
  "newusers",
];
const forms = new Map(programs.map((app) => [app, formsOf(app)]));

/** Reads a message of the tools that keep accounts. */
export function readAccountChange(app: string, message: string): AuthMessage {
  const known = forms.get(app);
  return known === undefined ? undefined : readForms(known, message.trim());
}

/** Names of the tools that `readAccountChange` knows. */
export const accountPrograms: ReadonlySet<string> = new Set(programs);
