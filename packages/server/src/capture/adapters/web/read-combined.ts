import { isIP } from "node:net";
import type { WebLine, WebRecord } from "./web-record.ts";

const BACKSLASH = 0x5c;
/** Length of `[17/May/2015:10:05:03 +0000] `. */
const BRACKET = 29;
const STATUS_AND_SIZE = /^(\d{3}|-) (\d{1,20}|-)(?= |$)/;
/** What Traefik adds: how many requests it has answered, its router, the server behind it, and how long it took. */
const TRAEFIK = /^(\d{1,20}) "([^"]*)" "([^"]*)" (\d{1,12})ms$/;
const ADDRESS_LIST = /^[0-9a-fA-F:., ]+$|^-$/;

/** Place of the next quote that no backslash stands before; -1 when there is none. */
function nextQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at > 0 && isEscaped(text, at)) at = text.indexOf('"', at + 1);
  return at;
}

function isEscaped(text: string, quote: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
  return slashes % 2 === 1;
}

/**
 * Whether a line looks like the combined or common format. The first quote opens the request line and the time stands right before it:
 * what a client chose, such as a user name, cannot imitate that, because servers escape quotes.
 */
export function isCombined(text: string): boolean {
  return requestQuote(text) >= 0 && !SYSLOG.test(text);
}

/** A line that came through syslog has another head before its own. */
const SYSLOG = /^(?:<\d{1,3}>|[A-Z][a-z]{2} [ \d]\d? ?\d\d:\d\d|\d{4}-\d\d-\d\dT)/;

function requestQuote(text: string): number {
  const quote = nextQuote(text, 0);
  if (quote <= BRACKET) return -1;
  const from = quote - BRACKET;
  const isTime =
    text.charCodeAt(quote - 1) === 0x20 &&
    text.charCodeAt(quote - 2) === 0x5d &&
    text.charCodeAt(from) === 0x5b &&
    text.charCodeAt(from + 3) === 0x2f &&
    text.charCodeAt(from + 7) === 0x2f &&
    text.charCodeAt(from + 12) === 0x3a;
  return isTime ? quote : -1;
}

interface Head {
  readonly server_name?: string;
  readonly server_port?: string;
  readonly remote_addr: string;
  readonly remote_logname: string;
  readonly request_id?: string;
  readonly remote_user: string;
}

/** Reads `[vhost[:port] ]address ident user`. Users may contain spaces. */
function readHead(head: string): Head | undefined {
  const space = head.indexOf(" ");
  if (space <= 0) return undefined;
  const first = head.slice(0, space);
  const second = head.indexOf(" ", space + 1);
  if (second < 0) return undefined;
  const middle = head.slice(space + 1, second);
  // The usual line: an address, and then anything but another.
  if (isIP(middle) === 0 || isIP(first) !== 0) {
    return { remote_addr: first, remote_logname: middle, remote_user: head.slice(second + 1) };
  }
  const colon = /:\d{1,5}$/.exec(first);
  const server_name = colon === null ? first : first.slice(0, colon.index);
  const [ident = "", ...users] = head.slice(second + 1).split(" ");
  const vhost = { server_name, ...(colon === null ? {} : { server_port: colon[0].slice(1) }), remote_addr: middle };
  // BunkerWeb writes `vhost address - request-id user`.
  if (colon === null && users.length === 2) {
    return { ...vhost, remote_logname: ident, request_id: users[0] ?? "", remote_user: users[1] ?? "" };
  }
  return users.length === 0 ? undefined : { ...vhost, remote_logname: ident, remote_user: users.join(" ") };
}

/** Place of the quote that ends the request: the first unescaped one before a status. Logs without escaping may have others inside. */
function endOfRequest(text: string, from: number): number {
  for (let tries = 0, at = nextQuote(text, from); at >= 0 && tries < 64; tries += 1) {
    if (text.charCodeAt(at + 1) === 0x20 && STATUS_AND_SIZE.test(text.slice(at + 2, at + 30))) return at;
    at = nextQuote(text, at + 1);
  }
  return -1;
}

/**
 * Reads a line of the common or combined format: nginx's default, Apache's `common`, `combined` and `vhost_combined`, and what others add
 * behind them (nginx's own example adds the forwarded addresses, Traefik its routes).
 *
 * @returns undefined where the line is of another form
 */
export function readCombined(text: string): WebLine | undefined {
  const quote = requestQuote(text);
  if (quote < 0 || SYSLOG.test(text)) return undefined;
  const head = readHead(text.slice(0, quote - BRACKET - 1));
  const end = endOfRequest(text, quote + 1);
  if (head === undefined || end < 0) return undefined;
  const answer = STATUS_AND_SIZE.exec(text.slice(end + 2, end + 30));
  if (answer === null) return undefined;
  const time_local = text.slice(quote - BRACKET + 1, quote - 2);
  const [all, status, body_bytes_sent] = answer;
  const common = { ...head, time_local, request: text.slice(quote + 1, end), status, body_bytes_sent };
  const from = end + 2 + all.length;
  return from === text.length ? { record: common } : readTail(text.slice(from), common);
}

/** Reads what follows the common format: referer and user agent, and whatever was added. */
function readTail(tail: string, common: WebRecord): WebLine {
  if (!tail.startsWith(' "')) return readRest(tail.trim(), common);
  const refererEnd = nextQuote(tail, 2);
  const isPair = refererEnd > 0 && tail.startsWith('" "', refererEnd);
  const agentEnd = isPair ? nextQuote(tail, refererEnd + 3) : -1;
  if (agentEnd < 0 || !isEnd(tail, agentEnd + 1)) return readUncertainTail(tail, common);
  const http_referer = tail.slice(2, refererEnd);
  const record = { ...common, http_referer, http_user_agent: tail.slice(refererEnd + 3, agentEnd) };
  return agentEnd + 1 === tail.length ? { record } : readRest(tail.slice(agentEnd + 2), record);
}

function isEnd(tail: string, at: number): boolean {
  return at === tail.length || tail.charCodeAt(at) === 0x20;
}

function readRest(rest: string, record: WebRecord): WebLine {
  const forwarded = /^"([^"]*)"$/.exec(rest)?.[1];
  if (forwarded !== undefined && ADDRESS_LIST.test(forwarded)) {
    return { record: { ...record, http_x_forwarded_for: forwarded } };
  }
  const traefik = TRAEFIK.exec(rest);
  if (traefik !== null) {
    const [, request_count, router_name, upstream_addr, request_time_ms] = traefik;
    return { record: { ...record, request_count, router_name, upstream_addr, request_time_ms } };
  }
  return rest === "" ? { record } : { record: { ...record, rest }, warnings: ["rest:unread"] };
}

/** A tail without escaping, or that was cut off: Apache cuts long lines. */
function readUncertainTail(tail: string, common: WebRecord): WebLine {
  const middle = tail.indexOf('" "', 2);
  if (tail.startsWith(' "') && middle > 0) {
    const isWhole = tail.endsWith('"') && tail.length > middle + 3;
    const http_user_agent = tail.slice(middle + 3, isWhole ? -1 : undefined);
    return {
      record: { ...common, http_referer: tail.slice(2, middle), http_user_agent },
      warnings: [isWhole ? "quotes:unescaped" : "line:cut"],
    };
  }
  return readRest(tail.trim(), common);
}
