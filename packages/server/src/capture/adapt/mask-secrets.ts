import { isRawNumber } from "@evident/core";

/** Stands where a secret stood. */
export const MASK = "***";

/** Names of what carries a secret wherever it stands, in lower case without punctuation: whole names, or ends of longer ones. */
const SECRET_ENDS = [
  "password",
  "passwd",
  "passphrase",
  "secret",
  "apikey",
  "authkey",
  "privatekey",
  "secretkey",
  "secretaccesskey",
  "accesstoken",
  "refreshtoken",
  "idtoken",
  "sessiontoken",
  "securitytoken",
  "bearertoken",
  "authtoken",
  "authorization",
  "cookie",
] as const;
/** Further ends in query strings, headers and cookies, where they are credentials; elsewhere they may be ids and names. */
const PARAMETER_ENDS = ["token", "signature", "accesskey", "sessionid", "sessid", "credentials"] as const;
const PARAMETERS: ReadonlySet<string> = new Set([
  "assertion",
  "auth",
  "bearer",
  "code",
  "codeverifier",
  "jwt",
  "key",
  "oauthverifier",
  "otp",
  "pass",
  "pin",
  "psw",
  "pw",
  "pwd",
  "samlresponse",
  "session",
  "sid",
  "sig",
  "ticket",
  "totp",
]);
/** Places in a list, and digests: they end as a secret does. */
const HARMLESS: ReadonlySet<string> = new Set([
  "continuationtoken",
  "hashedtoken",
  "nextpagetoken",
  "nexttoken",
  "pagetoken",
  "synctoken",
]);
/** A longer name is no parameter of anything known, and is kept from costing time. */
const MAX_NAME_LENGTH = 256;

function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function endsAs(name: string, ends: readonly string[]): boolean {
  return !HARMLESS.has(name) && ends.some((end) => name.endsWith(end));
}

/** Decodes as often as it was encoded, three times at most. */
function decode(text: string): string {
  let decoded = text;
  for (let round = 0; round < 3 && decoded.includes("%"); round += 1) {
    decoded = decoded.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
  return decoded;
}

const verdicts = new Map<string, boolean>();
const MAX_VERDICTS = 2_000;
const MAX_KEPT_NAME = 64;

/** Whether a query parameter, header or cookie of this name carries a secret: `access_token`, `user[password]`, `X-Amz-Signature`. */
export function isSecretName(name: string): boolean {
  const known = verdicts.get(name);
  if (known !== undefined) return known;
  const verdict = judgeName(name);
  if (name.length <= MAX_KEPT_NAME) {
    if (verdicts.size >= MAX_VERDICTS) verdicts.clear();
    verdicts.set(name, verdict);
  }
  return verdict;
}

function judgeName(name: string): boolean {
  const decoded = decode(name.slice(-MAX_NAME_LENGTH));
  const whole = normalise(decoded);
  if (PARAMETERS.has(whole) || endsAs(whole, SECRET_ENDS) || endsAs(whole, PARAMETER_ENDS)) return true;
  // `login[code]` is called `code`.
  const last = decoded.split(/[[\].:]/).findLast((part) => part !== "");
  return last !== undefined && PARAMETERS.has(normalise(last));
}

/** `=` and what stands before a name, plain or percent-encoded any number of times: an address may stand within an address. */
const EQUALS = /=|%(?:25)*3d/gi;
const ENCODED_SEPARATOR = /%(?:25)*(?:3f|26|3b|23|2f|2c)/gi;
/** `?`, `&`, `;`, `#`, `/`, `,`. */
const SEPARATORS: ReadonlySet<number> = new Set([0x3f, 0x26, 0x3b, 0x23, 0x2f, 0x2c]);

/** Where the name begins that ends a text: behind the last separator. */
function nameStart(text: string): number {
  let at = text.length;
  while (at > 0 && !SEPARATORS.has(text.charCodeAt(at - 1))) at -= 1;
  if (!text.includes("%", at)) return at;
  for (const match of text.matchAll(ENCODED_SEPARATOR)) at = Math.max(at, match.index + match[0].length);
  return at;
}

/** Up to the last `@`: a password may hold one that was not encoded. */
const PASSWORD_IN_AUTHORITY = /(:\/\/[^/?#@:\s]*):[^/?#\s]*@/g;

/** What ends a value that was encoded `depth` times: what separates parameters at that depth or outside it. */
const VALUE_ENDS = [/[&#]/, /[&#]|%26|%23/i, /[&#]|%(?:25)*(?:26|23)/i] as const;
const PATH_VALUE_END = /[;/?]/;

function valueEnd(text: string, from: number, equals: string, isInPath: boolean): number {
  const depth = equals === "=" ? 0 : equals.length === 3 ? 1 : 2;
  const end = isInPath ? PATH_VALUE_END : (VALUE_ENDS[depth] ?? /[&#]/);
  const found = text.slice(from).search(end);
  return found < 0 ? text.length : from + found;
}

/**
 * Replaces the values of secret parameters by `***` in a query string, a request target (`/path;jsessionid=1?token=2`) or an address,
 * and the password in `scheme://user:password@host`. Everything else stays as it was written, encoding included. Addresses within
 * parameters are read too.
 */
export function maskUrl(text: string): string {
  const url = text.includes("://") ? text.replaceAll(PASSWORD_IN_AUTHORITY, `$1:${MASK}@`) : text;
  if (!url.includes("=") && !/%(?:25)*3d/i.test(url)) return url;
  const firstQuestion = url.search(/[?#]/);
  // A text without a path or question mark is a query string.
  const queryFrom = firstQuestion < 0 && !/^[^=&]*\//.test(url) ? 0 : firstQuestion;
  let masked = "";
  let done = 0;
  let previous = 0;
  for (const match of url.matchAll(EQUALS)) {
    const at = match.index;
    if (at < done) continue;
    // No name goes over an equals sign: so each character is looked at once, whatever a client writes into its address.
    const before = url.slice(Math.max(done, previous, at - MAX_NAME_LENGTH), at);
    const from = at + match[0].length;
    previous = from;
    if (!isSecretName(before.slice(nameStart(before)))) continue;
    const end = valueEnd(url, from, match[0], match[0] === "=" && (queryFrom < 0 || at < queryFrom));
    if (end === from) continue;
    masked += `${url.slice(done, from)}${MASK}`;
    done = end;
  }
  return done === 0 ? url : masked + url.slice(done);
}

/** Whatever the scheme is called, in any case: `authorization: bearer …`. */
const CREDENTIALS = /\b(authorization["']?\s{0,8}[:=]\s{0,8}["']?[A-Za-z][\w-]{0,31})[ \t]{1,8}[^\s"',;]+/gi;
const SCHEMES = /\b(Bearer|Basic|Digest|Negotiate|Token)\s+[A-Za-z0-9._~+/=-]{6,}/g;
const KNOWN_TOKENS =
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|sk_live_\w{10,}|sk-ant-[\w-]{10,}|hvs\.[\w-]{20,}|evk_[0-9a-f]{16}_[\w-]{10,}|(?:A3T|AKIA|ASIA)[A-Z0-9]{16}:[A-Za-z0-9+/]{40})/g;
/** A JSON Web Token, or what only begins like one: it is matched too, so that no character of it is looked at again. */
const WEB_TOKEN = /\beyJ[\w-]{8,}(?:\.[\w-]{8,}\.[\w-]*)?/g;
const ASSIGNMENT = /(["']?)([A-Za-z][\w.-]{0,63})\1(\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"'&,;)}\]]+)/g;
const FLAG = /(\s--?)([A-Za-z][\w-]{0,63})(\s+)(?!-)("(?:[^"\\]|\\.)*"|'[^']*'|\S+)/g;
/** Flags of well-known programs that take a password directly: `mysql -pSECRET`, `sshpass -p SECRET`, `curl -u user:SECRET`. */
const SHORT_FLAGS: readonly (readonly [RegExp, string])[] = [
  [/(\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^|;&]{0,400}?\s-p)[^\s|;&]+/g, `$1${MASK}`],
  [/(\bsshpass\s+(?:-\S+\s+){0,8}?-p\s*)[^\s|;&]+/g, `$1${MASK}`],
  [/(\b(?:curl|wget)\b[^|;&]{0,400}?\s(?:-u\s*|--user[\s=]\s*)[^\s:|;&]+:)[^\s|;&]+/g, `$1${MASK}`],
];

/** Names that are secrets in free text and command lines; `key: value` and `code=1` are ordinary words there. */
function isSecretWord(name: string): boolean {
  const whole = normalise(name);
  return (
    endsAs(whole, SECRET_ENDS) ||
    whole === "token" ||
    whole === "mysqlpwd" ||
    whole === "pwd" ||
    (whole === "pass" && name !== "PASS")
  );
}

/** Masks secrets in free text and command lines: `password=…`, `--token …`, `Authorization: Bearer …`, tokens of well-known shapes. */
export function maskText(text: string): string {
  const hasAddress = text.includes("://");
  const addresses = hasAddress ? text.replaceAll(/\b[a-z][a-z0-9+.-]{0,31}:\/\/[^\s"'<>]+/gi, maskUrl) : text;
  let masked = addresses
    .replaceAll(CREDENTIALS, `$1 ${MASK}`)
    .replaceAll(SCHEMES, `$1 ${MASK}`)
    .replaceAll(KNOWN_TOKENS, MASK)
    .replaceAll(WEB_TOKEN, (all) => (all.includes(".") ? MASK : all))
    .replaceAll(ASSIGNMENT, (all: string, quote: string, name: string, sign: string, value: string) =>
      isSecretWord(name) && !value.startsWith("//") && !isScheme(value) ? `${quote}${name}${quote}${sign}${MASK}` : all,
    )
    .replaceAll(FLAG, (all: string, dashes: string, name: string, space: string) =>
      isSecretWord(name) ? `${dashes}${name}${space}${MASK}` : all,
    );
  for (const [pattern, by] of SHORT_FLAGS) masked = masked.replaceAll(pattern, by);
  return masked;
}

/** `Authorization: Bearer ***`: what follows the scheme is masked already. */
function isScheme(value: string): boolean {
  return /^(?:Bearer|Basic|Digest|Negotiate|Token)$/.test(value);
}

/**
 * A copy of a native record in which the values of secret members (`password`, `clientSecret`, `sessionToken`) are `***`, and secret
 * parameters in texts that are addresses. Names that carry ids or codes in records (`sessionId`, `code`, `key`) stay. What holds no
 * secret is the same object.
 */
export function maskMembers<T>(value: T): T {
  return maskValue(value) as T;
}

function maskValue(value: unknown): unknown {
  if (typeof value === "string") return looksLikeAddress(value) ? maskUrl(value) : value;
  if (typeof value !== "object" || value === null || isRawNumber(value)) return value;
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    const masked = list.map(maskValue);
    return masked.some((item, index) => item !== list[index]) ? masked : value;
  }
  let changed: Record<string, unknown> | undefined;
  for (const [name, member] of Object.entries(value)) {
    const masked = isSecretMember(name) ? maskWhole(member) : maskValue(member);
    if (masked === member) continue;
    changed ??= { ...value };
    // A member called __proto__ must stay a member.
    Object.defineProperty(changed, name, { value: masked, enumerable: true, configurable: true, writable: true });
  }
  return changed ?? value;
}

/** Verdicts on member names: a source has few hundred of them, and each record asks for all. */
const knownMembers = new Map<string, boolean>();
const MAX_KNOWN_MEMBERS = 4_096;

function isSecretMember(name: string): boolean {
  const known = knownMembers.get(name);
  if (known !== undefined) return known;
  if (name.length > MAX_NAME_LENGTH) return false;
  const whole = normalise(name);
  const isSecret = whole === "token" || endsAs(whole, SECRET_ENDS);
  if (knownMembers.size >= MAX_KNOWN_MEMBERS) knownMembers.clear();
  knownMembers.set(name, isSecret);
  return isSecret;
}

/** What a secret member holds: texts and numbers are secrets, an object under such a name describes one. */
function maskWhole(value: unknown): unknown {
  if (typeof value === "string") return value === "" ? value : MASK;
  if (typeof value === "number" || isRawNumber(value)) return MASK;
  if (Array.isArray(value)) return (value as readonly unknown[]).map(maskWhole);
  return maskValue(value);
}

function looksLikeAddress(text: string): boolean {
  return text.includes("://") || (text.includes("=") && /^\/|^\?|^[^\s=]+\?/.test(text));
}
