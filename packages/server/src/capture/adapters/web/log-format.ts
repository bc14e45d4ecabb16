import type { WebRecord } from "./web-record.ts";

/** A format string of a server, as literals and the variables between them. */
export interface LogFormat {
  readonly variables: readonly string[];
  /** `literals[i]` stands before `variables[i]`; the last one ends the line. */
  readonly literals: readonly string[];
}

const BACKSLASH = 0x5c;
/** How many places a line may be tried at, and characters looked at for it: a line that is made to look like many things gives up there. */
const MAX_TRIES = 256;
const MAX_LOOKED_AT = 4 << 20;

const number = /^(?:\d{1,20}(?:\.\d{1,9})?|-|)$/;
const NO_SPACE = /^\S*$/;
/** What the values of a variable look like; others may be anything. */
const shapes: Readonly<Record<string, RegExp>> = {
  body_bytes_sent: number,
  bytes_sent: number,
  msec: /^\d{1,12}(?:\.\d{1,9})?$/,
  remote_addr: NO_SPACE,
  remote_port: number,
  request_length: number,
  request_method: /^(?:[A-Za-z_-]{1,32}|)$/,
  request_time: number,
  server_port: number,
  status: /^(?:\d{3}|-|)$/,
  time_iso8601: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/,
  time_local: /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: [+-]\d{4})?$/,
};

const NGINX_VARIABLE = /\$(?:\{(\w{1,100})\}|(\w{1,100}))/g;

/** Reads the format of nginx's `log_format`. */
export function parseNginxFormat(format: string): LogFormat {
  const variables: string[] = [];
  const literals: string[] = [];
  let from = 0;
  for (const match of format.matchAll(NGINX_VARIABLE)) {
    literals.push(format.slice(from, match.index));
    variables.push(match[1] ?? match[2] ?? "");
    from = match.index + match[0].length;
  }
  literals.push(format.slice(from).trimEnd());
  return { variables, literals };
}

const APACHE_VARIABLE = /%([!\d,]*)([<>]?)(?:\{([^}]{1,200})\})?(\^?[A-Za-z]|%)/g;

/** Apache's letters under nginx's names. */
const letters: Readonly<Record<string, string>> = {
  a: "remote_addr",
  A: "server_addr",
  b: "body_bytes_sent",
  B: "body_bytes_sent",
  D: "request_time_us",
  f: "request_filename",
  h: "remote_addr",
  H: "server_protocol",
  I: "request_length",
  k: "connection_requests",
  l: "remote_logname",
  L: "request_id",
  m: "request_method",
  O: "bytes_sent",
  p: "server_port",
  P: "pid",
  q: "args",
  r: "request",
  R: "handler",
  s: "status",
  S: "bytes_transferred",
  T: "request_time",
  u: "remote_user",
  U: "uri",
  v: "server_name",
  V: "host",
  X: "connection_status",
};
/** Letters whose meaning depends on what stands in braces. */
const named: Readonly<Record<string, (name: string) => string | undefined>> = {
  a: (name) => (name === "c" ? "realip_remote_addr" : undefined),
  C: (name) => `cookie_${plain(name)}`,
  e: (name) => (name === "UNIQUE_ID" ? "request_id" : `env_${plain(name)}`),
  i: (name) => `http_${plain(name)}`,
  n: (name) => `note_${plain(name)}`,
  o: (name) => `sent_http_${plain(name)}`,
  p: (name) => (name === "remote" ? "remote_port" : "server_port"),
  t: timeVariable,
  T: (name) => `request_time_${name}`,
  x: (name) => (name === "SSL_CLIENT_S_DN" ? "ssl_client_s_dn" : `ssl_${plain(name)}`),
};

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/\W/g, "_");
}

function timeVariable(name: string): string | undefined {
  const format = name.replace(/^(?:begin|end):/, "");
  if (format === "sec") return "msec";
  if (format === "msec" || format === "usec") return `time_${format}`;
  if (format === "%Y-%m-%dT%H:%M:%S%z" || format === "%FT%T%z") return "time_iso8601";
  return format === "%d/%b/%Y:%H:%M:%S %z" ? "time_local" : undefined;
}

function apacheVariable(name: string | undefined, letter: string): string | undefined {
  if (letter === "^FB") return "first_byte_us";
  if (name !== undefined) return named[letter]?.(name);
  return letter === "t" ? "time_local" : letters[letter];
}

/**
 * Reads the format of Apache's `LogFormat`.
 *
 * @returns undefined where it has a directive that is unknown, or a time in a form that is
 */
export function parseApacheFormat(format: string): LogFormat | undefined {
  // In the configuration file quotes inside the quoted format are escaped.
  const text = format.replaceAll('\\"', '"').replaceAll("\\t", "\t");
  const variables: string[] = [];
  const literals: string[] = [];
  let literal = "";
  let from = 0;
  for (const match of text.matchAll(APACHE_VARIABLE)) {
    const [all, , , name, letter = ""] = match;
    literal += text.slice(from, match.index);
    from = match.index + all.length;
    if (letter === "%") {
      literal += "%";
      continue;
    }
    const variable = apacheVariable(name, letter);
    if (variable === undefined) return undefined;
    // `%t` writes the brackets itself.
    const isBracketed = letter === "t" && name === undefined;
    literals.push(isBracketed ? `${literal}[` : literal);
    variables.push(variable);
    literal = isBracketed ? "]" : "";
  }
  literals.push((literal + text.slice(from)).trimEnd());
  return { variables, literals };
}

/** Why lines cannot be read by a format; undefined when they can. */
export function formatProblem({ variables, literals }: LogFormat): string | undefined {
  if (variables.length === 0) return "has no variables";
  const joined = variables.findIndex((_variable, index) => index > 0 && literals[index] === "");
  if (joined > 0) return `has nothing between ${variables[joined - 1]} and ${variables[joined]}`;
  const has = (names: readonly string[]): boolean => names.some((name) => variables.includes(name));
  if (!has(["time_local", "time_iso8601", "msec", "time_msec", "time_usec"])) return "has no time";
  return has(["request", "request_uri", "uri"]) ? undefined : "does not say what was requested";
}

/** Makes a reader of lines of a format: undefined for a line that does not have it. */
export function compileFormat({ variables, literals }: LogFormat): (text: string) => WebRecord | undefined {
  const checks = variables.map((variable) => shapes[variable]);
  return (text) => {
    const values: string[] = [];
    const budget = {
      tries: Math.min(MAX_TRIES, Math.max(1, Math.floor(MAX_LOOKED_AT / text.length)) + variables.length),
    };
    const start = literals[0] ?? "";
    if (!text.startsWith(start) || !match(text, start.length, 0, { literals, checks, values, budget }))
      return undefined;
    const found: Record<string, string> = {};
    for (const [index, variable] of variables.entries()) {
      const value = values[index] ?? "";
      // The first of two variables of one name is the more exact one: Apache's %>s before %s.
      if (value !== "" && value !== "-" && !Object.hasOwn(found, variable)) found[variable] = value;
    }
    return toNginxUnits(found);
  };
}

interface Matching {
  readonly literals: readonly string[];
  readonly checks: readonly (RegExp | undefined)[];
  readonly values: string[];
  readonly budget: { tries: number };
}

/** Finds the value of variable `index` from `from` on: up to each place where the next literal stands, nearest first. */
function match(text: string, from: number, index: number, matching: Matching): boolean {
  const { literals, checks, values, budget } = matching;
  if (index === checks.length) return text.slice(from).trim() === "";
  const literal = literals[index + 1] ?? "";
  const isLast = index === checks.length - 1;
  const isQuoted = (literals[index] ?? "").endsWith('"') && literal.startsWith('"');
  let end = isLast && literal === "" ? text.trimEnd().length : text.indexOf(literal, from);
  while (end >= from && budget.tries > 0) {
    budget.tries -= 1;
    const value = text.slice(from, end);
    const isInside = isQuoted && isEscaped(text, end);
    if (!isInside && checks[index]?.test(value) !== false) {
      values[index] = value;
      if (match(text, end + literal.length, index + 1, matching)) return true;
    }
    end = literal === "" ? -1 : text.indexOf(literal, end + 1);
  }
  return false;
}

function isEscaped(text: string, quote: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
  return slashes % 2 === 1;
}

/** Times in milli- and microseconds as nginx's `msec`: seconds with a fraction. */
function toNginxUnits(found: Readonly<Record<string, string>>): WebRecord {
  const { time_msec, time_usec, ...record } = found;
  const msec = time_usec === undefined ? pointed(time_msec, 3) : pointed(time_usec, 6);
  return msec === undefined ? found : { ...record, msec };
}

function pointed(count: string | undefined, digits: number): string | undefined {
  if (count === undefined || !/^\d{7,20}$/.test(count)) return undefined;
  return `${count.slice(0, -digits)}.${count.slice(-digits)}`;
}
