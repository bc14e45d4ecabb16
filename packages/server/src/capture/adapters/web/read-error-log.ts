import { maskText, maskUrl, type NativeEvent } from "../../adapt/index.ts";
import type { WebFacts } from "./make-web-event.ts";
import type { WebRecord } from "./web-record.ts";

/** `2022/01/24 16:33:06 [error] 334#334: *338 message, client: …, server: …, request: "…", host: "…"` */
const ERROR_LINE = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d) \[(\w{1,16})\] (\d{1,10})#(\d{1,10}): (?:\*(\d{1,20}) )?/;
const CLIENT = /, client: ([0-9a-fA-F:.]{2,45}|unix:)(?=,|$)/g;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MAX_FIELD = 8_192;
const MAX_SEARCHED = 1 << 20;

/** What an nginx error log's line says of an access; undefined for a line of another form, "none" for one that names no request. */
export type ErrorLine = { readonly record: WebRecord; readonly facts: WebFacts } | "none" | undefined;

export function isErrorLog(text: string): boolean {
  return text.charCodeAt(4) === 0x2f && ERROR_LINE.test(text);
}

/** Reads a line of nginx's error log, ModSecurity's messages in it included. */
export function readErrorLog(text: string): ErrorLine {
  const start = ERROR_LINE.exec(text);
  if (start === null) return undefined;
  const [all, year, month, day, clock, level, pid, tid, connection] = start;
  const found = findClientField(text);
  if (found === undefined) return "none";
  const tail = text.slice(found.index);
  const request = quoted(tail, "request");
  const message = text.slice(all.length, found.index);
  const record: WebRecord = {
    remote_addr: found.address === "unix:" ? undefined : found.address,
    time_local: `${day}/${MONTHS[Number(month) - 1] ?? month}/${year}:${clock}`,
    request,
    server_name: /, server: ([^,]{1,255})(?=,|$)/.exec(tail)?.[1],
    host: quoted(tail, "host"),
    http_referer: quoted(tail, "referrer"),
    level,
    pid,
    tid,
    connection,
    error: maskText(message.slice(0, MAX_FIELD)),
    upstream: masked(quoted(tail, "upstream")),
  };
  const facts = readMessage(message, level ?? "");
  return { record, facts: found.isOnly ? facts : { ...facts, warnings: ["ip:ambiguous"] } };
}

function masked(text: string | undefined): string | undefined {
  return text === undefined ? undefined : maskUrl(text);
}

/**
 * The first `, client: …`. nginx does not escape what a client sent in this log: where another address could be meant as well, the line
 * says so in a warning.
 */
function findClientField(
  text: string,
): { readonly index: number; readonly address: string; readonly isOnly: boolean } | undefined {
  const [first, ...others] = text.slice(0, MAX_SEARCHED).matchAll(CLIENT);
  if (first === undefined) return undefined;
  const address = first[1] ?? "";
  return { index: first.index, address, isOnly: others.every((other) => other[1] === address) };
}

function quoted(tail: string, name: string): string | undefined {
  const start = tail.indexOf(`, ${name}: "`);
  if (start < 0) return undefined;
  const from = start + name.length + 5;
  const next = tail.indexOf('", ', from);
  const end = next < 0 ? tail.lastIndexOf('"') : next;
  return end < from ? undefined : tail.slice(from, Math.min(end, from + MAX_FIELD));
}

const MISMATCH = /^user "(.{1,256}?)": password mismatch$/;
const NOT_FOUND = /^user "(.{1,256}?)" was not found in ".{0,1024}"$/;
const DENIED =
  /^access forbidden by rule|is forbidden$|^directory index of .* is forbidden|ModSecurity: Access denied|^no user\/password was provided/;
const LIMITED = /^limiting (?:requests|connections)/;

/** What a message says beyond the request. */
function readMessage(message: string, level: string): WebFacts {
  const reason = maskText(message.slice(0, 4_096));
  const user = MISMATCH.exec(message)?.[1] ?? NOT_FOUND.exec(message)?.[1];
  if (user !== undefined) {
    return {
      action: { op: "AUTH", name: "authenticate", kind: "auth" },
      outcome: { status: "denied", reason },
      actor: (ns): NativeEvent["actor"] => ({ type: MISMATCH.test(message) ? "user" : "unknown", id: user, ns }),
    };
  }
  if (DENIED.test(message)) return { outcome: { status: "denied", reason } };
  if (LIMITED.test(message)) return { outcome: { status: "failure", reason } };
  const isFailure = level === "error" || level === "crit" || level === "alert" || level === "emerg";
  return { outcome: { status: isFailure ? "failure" : "unknown", reason } };
}
