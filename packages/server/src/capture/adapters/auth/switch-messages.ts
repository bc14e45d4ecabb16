import { maskText } from "../../adapt/index.ts";
import { type AuthFact, type AuthMessage, account, type MessageForm, readForms, saying } from "./auth-fact.ts";

const MAX_COMMAND = 8_192;
const REFUSED =
  /incorrect password attempt|command not allowed|NOT in sudoers|NOT authorized|NOT allowed|password is required|no password was provided|authentication (?:failure|token)|account (?:expired|validation failure)|must have a tty|no tty present/i;
const CONTINUED = /^\s*(\S{1,256}) : \(command continued\) (.*)$/s;
const SUDO =
  /^\s*(\S.{0,255}?) : (?:(.{1,512}?) ; )?(?:HOST=(\S{1,255}) ; )?TTY=(\S{1,128}) ; (?:CHROOT=(.{1,1024}?) ; )?(?:PWD|CWD)=(.{0,4096}?) ; USER=(\S{1,256}) ; (.{0,4096}?)COMMAND=(.*)$/s;

/** The program of a command line: its first word. */
function programOf(command: string): string {
  return /^\S{1,4000}/.exec(command)?.[0] ?? command.slice(0, 100);
}

/** Reads a message of sudo: who ran which command as whom, or was not let. */
export function readSudo(message: string): AuthMessage {
  const continued = CONTINUED.exec(message);
  if (continued !== null) {
    const [, user = "", rest = ""] = continued;
    return {
      op: "EXECUTE",
      name: "sudo command continued",
      kind: "process",
      status: "unknown",
      user,
      detail: { command: maskText(rest.slice(0, MAX_COMMAND)) },
      warnings: ["command:continued"],
    };
  }
  const parts = SUDO.exec(message);
  if (parts === null) return readForms(sudoForms, message);
  const [, user = "", reason = "", , tty = "", chroot = "", directory = "", as = "", more = "", whole = ""] = parts;
  const command = maskText(whole.slice(0, MAX_COMMAND));
  const isRefused = REFUSED.test(reason);
  return {
    op: "EXECUTE",
    name: "sudo",
    kind: "process",
    status: isRefused ? "denied" : reason === "" ? "success" : "unknown",
    ...(reason === "" ? {} : { reason }),
    user,
    actingAs: as,
    target: { type: "os.command", id: programOf(command) },
    detail: saying({ command, tty, directory, chroot, group: /GROUP=(\S{1,256}) ; /.exec(more)?.[1] ?? "" }),
    // Whoever names a directory or an argument can write what looks like another command.
    warnings: message.split(" ; COMMAND=").length > 2 ? ["command:ambiguous"] : [],
  };
}

const sudoForms: readonly MessageForm[] = [
  [
    /^\s*(\S{1,256}) : (.{0,256}(?:incorrect password attempts?|NOT in sudoers|password is required).{0,256})$/,
    ([user = "", reason = ""]) => ({ op: "EXECUTE", name: "sudo", kind: "process", status: "denied", user, reason }),
  ],
];

function became(user: string, as: string, status: AuthFact["status"]): AuthFact {
  return { op: "AUTH", name: "su", kind: "auth", status, user, actingAs: as, target: account(as) };
}

const suForms: readonly MessageForm[] = [
  [/^Successful su for (\S{1,256}) by (\S{1,256})$/, ([as = "", user = ""]) => became(user, as, "success")],
  [/^FAILED su for (\S{1,256}) by (\S{1,256})$/i, ([as = "", user = ""]) => became(user, as, "denied")],
  [
    /^(FAILED SU )?\(to (\S{1,256})\) (\S{1,256}) on (\S{1,128})$/,
    ([isFailed = "", as = "", user = "", tty = ""]) => ({
      ...became(user, as, isFailed === "" ? "success" : "denied"),
      detail: { tty },
    }),
  ],
  [/^[+-] \S{1,128} \S{1,256}:\S{1,256}$/, () => ({ skipped: "su repeats the line before" })],
];

/** Reads a message of su, of shadow or util-linux. */
export function readSu(message: string): AuthMessage {
  return readForms(suForms, message.trim());
}

function login(status: AuthFact["status"], user: string, host: string, tty: string, reason = ""): AuthFact {
  const address = /^[0-9a-fA-F:.]{2,45}$/.test(host) ? { ip: host } : {};
  const known = user === "" || user === "UNKNOWN" ? {} : { user, target: account(user) };
  const why = reason === "" ? {} : { reason };
  return {
    op: "AUTH",
    name: "login",
    kind: "auth",
    status,
    isBeforeLogin: true,
    ...known,
    ...address,
    detail: saying({ tty }),
    ...why,
  };
}

const loginForms: readonly MessageForm[] = [
  [
    /^FAILED LOGIN (?:SESSION )?(?:\(?\d{1,5}\)? )?(?:on '?(\S{1,64}?)'? )?(?:FROM '?(\S{1,255}?)'? )?FOR '?(.{1,256}?)'?, (.{1,256})$/i,
    ([tty = "", host = "", user = "", reason = ""]) => login("denied", user, host, tty, reason),
  ],
  [
    /^ROOT LOGIN\s+ON '?(\S{1,64}?)'?(?: FROM '?(\S{1,255}?)'?)?$/i,
    ([tty = "", host = ""]) => login("success", "root", host, tty),
  ],
  [
    /^LOGIN ON (\S{1,64}) BY (\S{1,256})(?: FROM (\S{1,255}))?$/,
    ([tty = "", user = "", host = ""]) => login("success", user, host, tty),
  ],
];

/** Reads a message of login, on a terminal. */
export function readLogin(message: string): AuthMessage {
  return readForms(loginForms, message.trim());
}

const logindForms: readonly MessageForm[] = [
  [
    /^New session '?([^\s']{1,64})'? of user '?(.{1,256}?)'?(?: with class .{0,64})?\.?$/,
    ([session = "", user = ""]) => ({
      op: "AUTH",
      name: "systemd-logind new session",
      kind: "auth",
      status: "success",
      user,
      session,
      target: account(user),
    }),
  ],
  [/^(?:Removed session|Session \S{1,64} logged out)/, () => ({ skipped: "end of a session without a name" })],
  [/^(?:New seat|Watching system buttons|Removed seat)/, () => ({ skipped: "systemd-logind's own life" })],
];

/** Reads a message of systemd-logind. */
export function readLogind(message: string): AuthMessage {
  return readForms(logindForms, message.trim());
}

const polkitForms: readonly MessageForm[] = [
  [
    /^Operator of (\S{1,128}) (successfully authenticated|FAILED to authenticate) as unix-user:(\S{1,256}) to gain (?:(?:TEMPORARY|ONE-SHOT|NO) )?authorization for action (\S{1,256}) for .{0,512}\(owned by unix-user:(\S{1,256})\)$/,
    ([session = "", word = "", as = "", action = "", user = ""]) => ({
      op: "GRANT",
      name: "polkit authorization",
      kind: "iam",
      status: word.startsWith("FAILED") ? "denied" : "success",
      user,
      session,
      ...(as === user ? {} : { actingAs: as }),
      target: { type: "os.action", id: action },
    }),
  ],
];

/** Reads a message of polkitd. */
export function readPolkit(message: string): AuthMessage {
  return readForms(polkitForms, message.trim()) ?? { skipped: "polkitd's own life" };
}
