import { known, type LogEntry } from "./log-entry.ts";

type Field = Exclude<keyof LogEntry, "record" | "format" | "severity" | "message" | "isPrefixAssumed">;
type Fields = Partial<Record<Field, string | undefined>>;

/** A line of a stderr log cut into its parts. */
export interface PrefixedLine {
  readonly fields: Fields;
  /** LOG, ERROR; DETAIL, STATEMENT and the like for the lines that belong to the one before. */
  readonly label: string;
  readonly text: string;
  /** Whether user and database could be parted at another `@`. */
  readonly isNameAssumed?: true;
}

/** Names and titles may hold anything but are never longer: PostgreSQL cuts names at 63 bytes, titles of processes at 95. */
const NAME = "[^]{0,128}?";
/** How many values without a form a prefix may have: each multiplies the ways in which a line that was made for it can be cut. */
const MAX_OPEN = 4;
/** An address, a name of the network, or a socket. */
const HOST = "(?:\\[\\w+\\]|[\\w.:%-]{0,255})";
const TIME = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,6})? [A-Za-z0-9+:<>-]{1,32}";

/** The escapes of `log_line_prefix`: where each goes, and how its value looks. */
const escapes: Readonly<Record<string, readonly [field: string, form: string]>> = {
  a: ["application", NAME],
  u: ["user", NAME],
  d: ["database", NAME],
  r: ["remote", `(?:${HOST}(?:\\(\\d{1,5}\\))?)`],
  h: ["host", HOST],
  L: ["", HOST],
  b: ["backendType", NAME],
  p: ["pid", "\\d{1,10}"],
  P: ["leaderPid", "\\d{0,10}"],
  t: ["time", TIME],
  m: ["time", TIME],
  n: ["time", "\\d{1,12}\\.\\d{1,6}"],
  i: ["commandTag", NAME],
  e: ["sqlState", "[0-9A-Z]{5}"],
  c: ["sessionId", "[0-9a-f]{1,16}\\.[0-9a-f]{1,8}"],
  l: ["lineNumber", "\\d{1,20}"],
  s: ["sessionStart", TIME],
  v: ["virtualXid", "(?:-?\\d{1,10}/\\d{1,20})?"],
  x: ["xid", "\\d{1,20}"],
  Q: ["queryId", "-?\\d{1,20}"],
};

const LABELS =
  "DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|LOCATION|BACKTRACE|STATEMENT";
/** A text of `log_line_prefix`, ready to read lines. */
export interface LinePrefix {
  /** Undefined when the line does not begin so. */
  read(line: string): PrefixedLine | "ambiguous" | undefined;
}

const ESCAPE = /%(-?\d{1,3})?([a-zA-Z%])/y;

/** Escapes whose values may hold anything, or end anywhere; and those whose values end by themselves. */
const OPEN = "abdiuhrL";
const CLOSED = "mtnse";

/**
 * Why lines cannot be read by a prefix; undefined when they can. Values without anything between them cannot be parted, and trying to
 * would take more time with every one of them: a sender chooses the prefix, so it is bounded.
 */
export function prefixProblem(prefix: string): string | undefined {
  const found = [...prefix.matchAll(/%(?:-?\d{1,3})?([a-zA-Z%])|[^%]/g)].map(([, letter = ""]) => letter);
  // What stands for nothing parts nothing.
  const parts = found.filter((letter) => letter === "" || letter === "%" || Object.hasOwn(escapes, letter));
  const isLoose = (letter = ""): boolean => Object.hasOwn(escapes, letter) && !isOneOf(CLOSED, letter);
  const joined = parts.findIndex((letter, at) => at > 0 && isLoose(letter) && isLoose(parts[at - 1]));
  if (joined > 0) return `has nothing between %${parts[joined - 1]} and %${parts[joined]}`;
  const values = parts.filter((letter) => Object.hasOwn(escapes, letter));
  const twice = values.find((letter, at) => values.indexOf(letter) < at);
  if (twice !== undefined) return `has %${twice} twice`;
  const open = values.filter((letter) => isOneOf(OPEN, letter));
  return open.length > MAX_OPEN
    ? `has more than ${MAX_OPEN} of ${Array.from(OPEN)
        .map((each) => `%${each}`)
        .join(", ")}`
    : undefined;
}

function isOneOf(letters: string, letter: string): boolean {
  return letter !== "" && letters.includes(letter);
}

/** Compiles a `log_line_prefix`. Letters that PostgreSQL does not know are nothing, as they are to it. */
export function compilePrefix(prefix: string): LinePrefix {
  const names: string[] = [];
  let pattern = "";
  let isOptional = false;
  for (let at = 0; at < prefix.length; ) {
    ESCAPE.lastIndex = at;
    const [whole, padding, letter = ""] = ESCAPE.exec(prefix) ?? [];
    if (whole === undefined) pattern += literal(prefix[at] ?? "");
    else if (letter === "%") pattern += "%";
    else if (letter === "q") {
      // Processes without a session stop here.
      if (!isOptional) pattern += "(?:";
      isOptional = true;
    } else pattern += escapePattern(letter, padding !== undefined, names);
    at += whole?.length ?? 1;
  }
  if (isOptional) pattern += ")?";
  const lazy = new RegExp(`^${pattern}(${LABELS}):  `);
  const greedy = new RegExp(`^${pattern.replaceAll("{0,128}?", "{0,128}")}(${LABELS}):  `);
  return { read: (line) => readLine(line, names, lazy, greedy) };
}

function literal(char: string): string {
  return char.replace(/[$()*+./?[\\\]^{|}-]/, "\\$&");
}

function escapePattern(letter: string, isPadded: boolean, names: string[]): string {
  const [name, form] = escapes[letter] ?? [];
  if (name === undefined || form === undefined) return "";
  names.push(name);
  // A value that is not there leaves the padding.
  return isPadded ? ` *((?:${form})?) *` : `((?:${form})?)`;
}

/** What may be left out when it is not certain where it ends. */
const dispensable: ReadonlySet<string> = new Set(["application", "commandTag", "backendType", ""]);

/**
 * Names are written as they came, and an application calls itself what it likes: one with the prefix's own separators or a level in it
 * could pass for another user's line. So a line is read with each name as short and as long as can be, and both must agree.
 */
function readLine(
  line: string,
  names: readonly string[],
  lazy: RegExp,
  greedy: RegExp,
): ReturnType<LinePrefix["read"]> {
  const short = lazy.exec(line);
  if (short === null) return undefined;
  const long = greedy.exec(line) ?? short;
  if (long[0] !== short[0]) return "ambiguous";
  const fields = toFields(names, long);
  const others = toFields(names, short);
  const differing = names.filter(
    (_name, index) => long[index + 1] !== short[index + 1] && !dispensable.has(names[index] ?? ""),
  );
  const isNameAssumed = differing.length > 0;
  // User names that are mail addresses are frequent, databases with an @ are not.
  const isSplit = `${fields.user}@${fields.database}` === `${others.user}@${others.database}`;
  if (isNameAssumed && (!isSplit || differing.some((name) => name !== "user" && name !== "database")))
    return "ambiguous";
  for (const name of dispensable)
    if (name !== "" && fields[name as Field] !== others[name as Field]) delete fields[name as Field];
  const text = line.slice(short[0].length);
  return { fields, label: short.at(-1) ?? "", text, ...(isNameAssumed ? { isNameAssumed } : {}) };
}

function toFields(names: readonly string[], found: RegExpExecArray): Fields {
  const fields: Record<string, string | undefined> = {};
  for (const [index, name] of names.entries()) {
    const value = known(found[index + 1]?.trim());
    if (value === undefined) continue;
    if (name === "remote") Object.assign(fields, splitRemote(value));
    else if (name !== "") fields[name] = value;
  }
  return fields;
}

/** `203.0.113.9(5432)`, or `[local]`. */
function splitRemote(value: string): Fields {
  const parts = /^(.*)\((\d{1,5})\)$/.exec(value);
  return parts === null ? { host: value } : { host: parts[1], port: parts[2] };
}

/** Debian's default. */
export const DEBIAN_PREFIX = "%m [%p] %q%u@%d ";

/** Prefixes that are in wide use, tried in this order when none is given: of PostgreSQL, distributions, services and pgBadger's manual. */
export const commonPrefixes: readonly string[] = [
  DEBIAN_PREFIX,
  "%m [%p] ",
  "%t [%p] %q%u@%d ",
  "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
  "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
  "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
  "%m [%p]: [%l-1] db=%d,user=%u ",
  "%m [%p]: [%l-1] ",
  "%t:%r:%u@%d:[%p]:",
  "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
  "%h %m [%p] %q%u@%d ",
  "%t-%c-",
  "< %m >",
  "< %t >",
];
