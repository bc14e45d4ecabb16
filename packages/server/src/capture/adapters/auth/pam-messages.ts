import { type AuthFact, type AuthMessage, account, type MessageForm, readForms, saying } from "./auth-fact.ts";

const PAM = /^(pam_\w{1,32})\(([^\s:()]{1,64}):(\w{1,32})\): (.*)$/s;
const MORE = /^PAM (\d{1,5}) more authentication failures?; (.*)$/s;
const PAIR = /(\w{1,16})=(\S{0,256})/g;

/** Services that start jobs by themselves. */
const schedulers: ReadonlySet<string> = new Set(["cron", "crond", "anacron", "atd", "systemd-cron"]);

function pairs(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(PAIR)].map(([, name = "", value = ""]) => [name, value]));
}

function isAddress(text: string): boolean {
  return /^[0-9a-fA-F:.]{2,45}$/.test(text);
}

/** `logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9  user=root` */
function failure(service: string, text: string, count?: string): AuthFact {
  const { user = "", ruser = "", rhost = "", tty = "", uid = "", logname = "" } = pairs(text);
  // Asked for a password again, the person is the one who asks, not the one they want to be.
  const who = ruser === "" ? user : ruser;
  const detail = saying({ tty, uid, logname, rhost: isAddress(rhost) ? "" : rhost, count: count ?? "" });
  return {
    op: "AUTH",
    name: `${service} authentication failure`,
    kind: "auth",
    status: "denied",
    isBeforeLogin: ruser === "",
    ...(who === "" ? {} : { user: who }),
    ...(user === "" ? {} : { target: account(user) }),
    ...(isAddress(rhost) ? { ip: rhost } : {}),
    detail,
  };
}

/** Whose session began or ended, and who began it: themselves, a scheduler, or somebody who becomes somebody else. */
function session(service: string, isOpened: boolean, user: string, by: string): AuthFact {
  const base = {
    op: isOpened ? "AUTH" : "LOGOUT",
    name: `${service} session ${isOpened ? "opened" : "closed"}`,
    kind: "auth",
    status: "success",
    target: account(user),
  } as const;
  if (schedulers.has(service)) return { ...base, user: service, userType: "system", actingAs: user };
  if (by !== "" && by !== user) return { ...base, user: by, actingAs: user };
  return { ...base, user };
}

const formsOf = (service: string): readonly MessageForm[] => [
  [
    /^session (opened|closed) for user (\S{1,256}?)(?:\(uid=\d{1,10}\))?(?: by (\S{0,256}?)(?:\(uid=\d{1,10}\))?)?$/,
    ([word = "", user = "", by = ""]) => session(service, word === "opened", user, by),
  ],
  [/^authentication failure; (.*)$/s, ([text = ""]) => failure(service, text)],
  [
    /^auth could not identify password for \[(.{1,256})\]$/,
    ([user = ""]) => ({ ...failure(service, ""), user, target: account(user), reason: "no password was given" }),
  ],
  [
    /^password changed for (\S{1,256})$/,
    ([user = ""]) => ({
      op: "UPDATE",
      name: `${service} password change`,
      kind: "iam",
      status: "success",
      target: account(user),
    }),
  ],
  [
    /^user "(.{0,256})" does not exist in (\S{1,256})$/,
    ([user = "", file = ""]) => ({
      op: "UPDATE",
      name: `${service} password change`,
      kind: "iam",
      status: "failure",
      reason: `does not exist in ${file}`,
      ...(user === "" ? {} : { target: account(user) }),
    }),
  ],
  [
    /^account (\S{1,256}) has (expired|password changed in future)(.{0,128})$/,
    ([user = "", why = ""]) => ({
      ...failure(service, ""),
      name: `${service} account refused`,
      user,
      target: account(user),
      reason: `has ${why}`,
    }),
  ],
];

const known = new Map<string, readonly MessageForm[]>();
const MAX_KNOWN = 256;

/** Reads what a PAM module says, in whatever program it runs; "other" for a message of another kind. */
export function readPam(message: string, app: string): AuthMessage | "other" {
  const more = MORE.exec(message);
  if (more !== null) return failure(app, more[2] ?? "", more[1]);
  const parts = PAM.exec(message);
  if (parts === null) return "other";
  const [, , service = "", , text = ""] = parts;
  let forms = known.get(service);
  if (forms === undefined) {
    if (known.size >= MAX_KNOWN) known.clear();
    forms = formsOf(service);
    known.set(service, forms);
  }
  return readForms(forms, text.trimEnd()) ?? { skipped: "remark of a PAM module" };
}
