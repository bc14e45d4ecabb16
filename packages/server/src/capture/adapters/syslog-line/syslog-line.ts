/** A line of syslog taken apart: RFC 5424, RFC 3164 as it is written in files, and what rsyslog writes. */
export interface SyslogLine {
  readonly facility?: number;
  readonly severity?: number;
  /** As it stands in the line; absent for the nil value. */
  readonly timestamp?: string;
  readonly host?: string;
  readonly app?: string;
  readonly procid?: string;
  readonly msgid?: string;
  /** Structured data: element, parameter, value. */
  readonly sd?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly message: string;
  readonly version: "3164" | "5424";
}

const PRI = /^<(\d{1,3})>/;
const HEAD_5424 = /^1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) ?/;
const MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
/** `Mar  1 13:06:56`, with what devices add: a year, fractions, a zone, Cisco's star for a clock that is not set. */
const DATE_3164 = new RegExp(
  `^[*.]?(${MONTH} {1,2}\\d{1,2} (?:\\d{4} )?\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?(?: \\d{4})?(?: [A-Z]{3,4}(?=[ :]))?):? `,
);
/** Of rsyslog and journalctl; with a blank for the T or without a zone it is some other log. */
const DATE_ISO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) /;
const TAG = /^([\w.@/-]{1,128}(?:\([^)\s]{0,64}\))?)(?:\[([^\]\s]{1,64})\])?: ?/;
/** Cisco: `%SEC-6-IPACCESSLOGP: list 100 denied`. */
const CISCO = /^(%[\w/]{1,48}-\d-\w{1,48}): /;
const MAX_SD = 64;

/** Whether a line has a head of syslog. Quick: it is asked for lines of every kind. */
export function isSyslog(text: string): boolean {
  const first = text.charCodeAt(0);
  if (first === 0x3c) return PRI.test(text);
  if (first >= 0x30 && first <= 0x39) return DATE_ISO.test(text) && isTagged(text.replace(DATE_ISO, ""));
  return DATE_3164.test(text);
}

/** A file's line that begins with a date only is syslog when host and program follow. */
function isTagged(rest: string): boolean {
  return /^[\w.:-]{1,255} [\w.@/-]{1,128}(?:\[[^\]\s]{1,64}\])?: /.test(rest);
}

/** @returns undefined for a line without a head of syslog */
export function parseSyslogLine(text: string): SyslogLine | undefined {
  const pri = PRI.exec(text);
  const priority = pri === null ? undefined : Number(pri[1]);
  if (priority !== undefined && priority > 191) return undefined;
  const from = priority === undefined ? {} : { facility: Math.floor(priority / 8), severity: priority % 8 };
  const rest = pri === null ? text : text.slice(pri[0].length);
  const head = HEAD_5424.exec(rest);
  if (head !== null && pri !== null) return { ...from, ...read5424(head, rest.slice(head[0].length)) };
  return read3164(rest, from, pri !== null);
}

function said(value: string | undefined): string | undefined {
  return value === "-" || value === "" ? undefined : value;
}

function read5424(head: RegExpExecArray, body: string): SyslogLine {
  const [, timestamp, host, app, procid, msgid] = head.map(said);
  const { sd, message } = readStructuredData(body);
  return defined({ timestamp, host, app, procid, msgid, sd, message: message.replace(/^\uFEFF/, ""), version: "5424" });
}

const SD_START = /\[([^\s=\]"]{1,32})/y;
const SD_PARAMETER = / ([^\s=\]"]{1,32})="((?:[^"\\\]]|\\.){0,8192})"/sy;

/** Reads `[id name="value"]…message`; what is not well-formed is the message. */
function readStructuredData(body: string): { sd?: Record<string, Record<string, string>>; message: string } {
  if (body === "-" || body.startsWith("- ")) return { message: body.slice(2) };
  const sd: Record<string, Record<string, string>> = Object.create(null) as Record<string, Record<string, string>>;
  let at = 0;
  for (let count = 0; body[at] === "[" && count < MAX_SD; count += 1) {
    SD_START.lastIndex = at;
    const start = SD_START.exec(body);
    if (start === null) break;
    const parameters = Object.create(null) as Record<string, string>;
    let end = SD_START.lastIndex;
    for (let more = 0; more < MAX_SD; more += 1) {
      SD_PARAMETER.lastIndex = end;
      const parameter = SD_PARAMETER.exec(body);
      if (parameter === null) break;
      parameters[parameter[1] ?? ""] = (parameter[2] ?? "").replaceAll(/\\(["\\\]])/g, "$1");
      end = SD_PARAMETER.lastIndex;
    }
    if (body[end] !== "]") break;
    sd[start[1] ?? ""] = parameters;
    at = end + 1;
  }
  const message = body.slice(body[at] === " " ? at + 1 : at);
  return at === 0 ? { message } : { sd, message };
}

function read3164(
  text: string,
  from: { readonly facility?: number; readonly severity?: number },
  hasPri: boolean,
): SyslogLine | undefined {
  // Cisco counts its messages before the date: `<189>29: *Mar  1 18:46:11: %SYS-5-CONFIG_I: …`
  const rest = hasPri ? text.replace(/^\d{1,10}: (?=[*.A-Z])/, "") : text;
  const date = DATE_3164.exec(rest) ?? DATE_ISO.exec(rest);
  if (date === null) return hasPri ? { ...from, ...readTag(rest), version: "3164" } : undefined;
  const body = rest.slice(date[0].length);
  const timestamp = date[1] ?? "";
  const own = CISCO.exec(body);
  if (own !== null) {
    return { ...from, timestamp, app: own[1] ?? "", message: body.slice(own[0].length), version: "3164" };
  }
  const space = body.indexOf(" ");
  const host = space < 0 ? body : body.slice(0, space);
  // A device without a name begins with the program.
  if (TAG.test(body) && host.endsWith(":")) return { ...from, timestamp, ...readTag(body), version: "3164" };
  return { ...from, timestamp, host, ...readTag(space < 0 ? "" : body.slice(space + 1)), version: "3164" };
}

function readTag(body: string): { readonly app?: string; readonly procid?: string; readonly message: string } {
  const tag = TAG.exec(body) ?? CISCO.exec(body);
  if (tag === null) return { message: body };
  const [all, app = "", procid] = tag;
  return { app, ...(procid === undefined ? {} : { procid }), message: body.slice(all.length) };
}

function defined<T extends object>(value: { readonly [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
