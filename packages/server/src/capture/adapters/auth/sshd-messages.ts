import { type AuthFact, type AuthMessage, account, type MessageForm, readForms, saying } from "./auth-fact.ts";

/** `RSA SHA256:…`, `ED25519-CERT SHA256:… ID alice (serial 7) CA RSA SHA256:…` */
const KEY = /^(\S{1,64}) ((?:SHA256|MD5):\S{1,128}|[0-9a-f:]{47})(?: ID (.{1,512}?) \(serial (\d{1,20})\) CA .*)?/;

function keyOf(text: string): Partial<AuthFact> {
  const key = KEY.exec(text);
  if (key === null) return {};
  const [, type = "", print = "", id, serial] = key;
  const detail = saying({ keyType: type, certificateId: id ?? "", certificateSerial: serial ?? "" });
  return { credential: { kind: id === undefined ? "ssh_key" : "ssh_certificate", id: print }, detail };
}

/** Somebody who claims to be a user; `""` when no name was given. */
function claimed(user: string, isInvalid: boolean): Partial<AuthFact> {
  if (user === "") return { isBeforeLogin: true };
  return { user, userType: isInvalid ? "unknown" : "user", target: account(user), isBeforeLogin: true };
}

function denied(name: string, ip: string, port: string, more: Partial<AuthFact>): AuthFact {
  return { op: "AUTH", name: `sshd ${name}`, kind: "auth", status: "denied", ...at(ip, port), ...more };
}

/** The peer failed before anybody could log in. */
function failed(name: string, ip: string, port: string, reason = ""): AuthFact {
  const why = reason === "" ? {} : { reason };
  return {
    op: "AUTH",
    name: `sshd ${name}`,
    kind: "auth",
    status: "failure",
    isBeforeLogin: true,
    ...at(ip, port),
    ...why,
  };
}

function at(ip: string, port: string): Partial<AuthFact> {
  return { ip, ...(port === "" ? {} : { port }) };
}

function isInvalidWord(text: string): boolean {
  return /^(?:invalid|illegal)/i.test(text);
}

/** The end of a connection: after a login a logout, before it an attempt that came to nothing. */
function ended(name: string, isBeforeLogin: boolean): (groups: readonly string[]) => AuthFact {
  return ([word = "", user = "", ip = "", port = "", reason = ""]) => {
    const why = reason === "" ? {} : { reason };
    const isBefore = isBeforeLogin || word !== "";
    if (isBefore) {
      return { ...failed(name, ip, port, reason), ...(user === "" ? {} : claimed(user, isInvalidWord(word))) };
    }
    const who = user === "" ? {} : { user, target: account(user) };
    return { op: "LOGOUT", name: `sshd ${name}`, kind: "auth", status: "success", ...who, ...at(ip, port), ...why };
  };
}

// User names may hold spaces, and what looks like an address: the last one in the line is the peer's.
const loginForms: readonly MessageForm[] = [
  [
    /^Accepted (\S{1,64}) for (.{1,512}) from (\S{1,64}) port (\d{1,5})(?: ssh\d?)?(?:: (.{0,2048}))?$/,
    ([method = "", user = "", ip = "", port = "", key = ""]) => ({
      op: "AUTH",
      name: `sshd accepted ${method}`,
      kind: "auth",
      status: "success",
      user,
      target: account(user),
      ...at(ip, port),
      ...keyOf(key),
    }),
  ],
  [
    /^Failed (\S{1,64}) for ((?:invalid|illegal) user )?(.{0,512}) from (\S{1,64}) port (\d{1,5})(?: ssh\d?)?(?:: (.{0,2048}))?$/,
    ([method = "", invalid = "", user = "", ip = "", port = "", key = ""]) =>
      denied(`failed ${method}`, ip, port, { ...claimed(user, invalid !== ""), ...keyOf(key) }),
  ],
  [
    /^(?:Invalid|Illegal) user (.{0,512}) from (\S{1,64})(?: port (\d{1,5}))?$/,
    ([user = "", ip = "", port = ""]) => denied("invalid user", ip, port, claimed(user, true)),
  ],
  [
    /^(Postponed|Partial) (\S{1,64}) for (invalid user )?(.{0,512}) from (\S{1,64}) port (\d{1,5})(?: ssh\d?)?(?:: .{0,2048})?$/,
    ([word = "", method = "", invalid = "", user = "", ip = "", port = ""]) => ({
      ...denied(`${word.toLowerCase()} ${method}`, ip, port, claimed(user, invalid !== "")),
      status: "pending",
    }),
  ],
  [
    /^(?:error: )?maximum authentication attempts exceeded for (invalid user )?(.{0,512}) from (\S{1,64}) port (\d{1,5})(?: ssh\d?)?$/,
    ([invalid = "", user = "", ip = "", port = ""]) =>
      denied("maximum attempts exceeded", ip, port, claimed(user, invalid !== "")),
  ],
  [
    /^User (.{1,512}) from (\S{1,255}) not allowed because (.{1,512})$/,
    ([user = "", ip = "", reason = ""]) => denied("user not allowed", ip, "", { ...claimed(user, false), reason }),
  ],
  [
    /^error: PAM: (.{1,128}) for ((?:invalid|illegal) user )?(.{0,512}) from (\S{1,255})$/,
    ([reason = "", invalid = "", user = "", ip = ""]) =>
      denied("PAM refused", ip, "", { ...claimed(user, invalid !== ""), reason }),
  ],
  [
    /^refused connect from .{0,512} \((\S{1,64})\)$/,
    ([ip = ""]) => denied("refused connect", ip, "", { isBeforeLogin: true }),
  ],
  [
    /^Starting session: (.{1,512}) for (\S{1,256}) from (\S{1,64}) port (\d{1,5}) id (\d{1,10})$/,
    ([what = "", user = "", ip = "", port = "", session = ""]) => ({
      op: "EXECUTE",
      name: `sshd starting session: ${what.split(" ")[0]}`,
      kind: "process",
      status: "success",
      user,
      target: account(user),
      ...at(ip, port),
      detail: { session: what, sessionNumber: session },
    }),
  ],
  [
    /^Close session: user (.{1,256}) from (\S{1,64}) port (\d{1,5}) id \d{1,10}$/,
    ([user = "", ip = "", port = ""]) => ended("close session", false)(["", user, ip, port]),
  ],
  [
    /^subsystem request for (\S{1,64}) by user (.{1,256})$/,
    ([subsystem = "", user = ""]) => ({
      op: "EXECUTE",
      name: `sshd subsystem ${subsystem}`,
      kind: "process",
      status: "success",
      user,
      target: account(user),
    }),
  ],
];

function connectionForms(isBefore: boolean): readonly MessageForm[] {
  return [
    [
      /^Connection closed by(?: (\S{1,32}) user (.{0,512}))? ([0-9a-fA-F]{0,4}[:.][0-9a-fA-F:.%\w]{1,64}|UNKNOWN)(?: port (\d{1,5}))?$/,
      ended("connection closed", isBefore),
    ],
    [
      /^Connection reset by(?: (\S{1,32}) user (.{0,512}))? ([0-9a-fA-F]{0,4}[:.][0-9a-fA-F:.%\w]{1,64}|UNKNOWN)(?: port (\d{1,5}))?$/,
      ended("connection reset", isBefore),
    ],
    [
      /^Disconnected from user (.{0,512}) ([0-9a-fA-F]{0,4}[:.][0-9a-fA-F:.%\w]{1,64}|UNKNOWN)(?: port (\d{1,5}))?$/,
      ([user = "", ip = "", port = ""]) => ended("disconnected", isBefore)(["", user, ip, port]),
    ],
    [
      /^Disconnected from(?: (\S{1,32}) user (.{0,512}))? ([0-9a-fA-F]{0,4}[:.][0-9a-fA-F:.%\w]{1,64}|UNKNOWN)(?: port (\d{1,5}))?$/,
      ended("disconnected", isBefore),
    ],
    [
      /^Disconnecting (\S{1,32}) user (.{0,512}) (\S{1,64}) port (\d{1,5}): (.{0,512})$/,
      ended("disconnecting", isBefore),
    ],
    [
      /^Received disconnect from (\S{1,64})(?: port (\d{1,5}))?:(?:\s?\d{1,5}:)?\s?(.{0,512})$/,
      ([ip = "", port = "", reason = ""]) =>
        ended("received disconnect", isBefore)(["", "", ip.replace(/:$/, ""), port, reason]),
    ],
    [
      /^(?:error: )?Did not receive identification string from (\S{1,64})(?: port (\d{1,5}))?$/i,
      ([ip = "", port = ""]) => failed("no identification", ip, port),
    ],
    [
      /^Bad protocol version identification '(.{0,1024})' from (\S{1,64})(?: port (\d{1,5}))?$/s,
      ([sent = "", ip = "", port = ""]) => failed("bad protocol version", ip, port, sent),
    ],
    [
      /^(?:fatal: )?Unable to negotiate with (\S{1,64}) port (\d{1,5}): (.{0,2048})$/,
      ([ip = "", port = "", reason = ""]) => failed("unable to negotiate", ip, port, reason.trim()),
    ],
    [
      /^(?:fatal: )?Timeout before authentication for (?:connection from )?(\S{1,64})(?: port (\d{1,5}))?(?: to .{0,128})?,?.{0,64}$/,
      ([ip = "", port = ""]) => failed("timeout before authentication", ip, port),
    ],
    [
      /^Magic value check failed .{0,64} on obfuscated handshake from (\S{1,64}) port (\d{1,5})$/,
      ([ip = "", port = ""]) => failed("magic value check failed", ip, port),
    ],
    [
      /^(?:(?:error|fatal): )?(?:ssh_dispatch_run_fatal|banner exchange|kex_exchange_identification): Connection from (\S{1,64}) port (\d{1,5}): (.{0,512})$/,
      ([ip = "", port = "", reason = ""]) => failed("connection failed", ip, port, reason),
    ],
    [
      /^Connection from (\S{1,64}) port (\d{1,5})(?: on \S{1,64} port \d{1,5}.{0,64})?$/,
      ([ip = "", port = ""]) => ({ ...failed("connection", ip, port), status: "pending" }),
    ],
  ];
}

/** What names nobody, or only repeats the line before. */
const silent: readonly (readonly [RegExp, string])[] = [
  [/^input_userauth_request: invalid user /, "sshd repeats the invalid user of the line before"],
  [/^Disconnecting: /, "sshd line that names nobody"],
  [/^PAM service\(\S{1,32}\) ignoring max retries/, "sshd line that names nobody"],
  [
    /^(?:Server listening|Received signal|Received SIGHUP|User child is on pid|Exiting on signal|rexec line)/,
    "sshd's own life",
  ],
];

const beforeLogin = [...loginForms, ...connectionForms(true)];
const afterLogin = [...loginForms, ...connectionForms(false)];

/** Reads a message of OpenSSH's server. */
export function readSshd(message: string): AuthMessage {
  const text = message.trimEnd();
  const isBefore = text.endsWith(" [preauth]");
  const found = silent.find(([form]) => form.test(text));
  if (found !== undefined) return { skipped: found[1] };
  return readForms(
    isBefore ? beforeLogin : afterLogin,
    isBefore ? text.slice(0, -" [preauth]".length).trimEnd() : text,
  );
}
