import { isIP } from "node:net";
import { MASK, type Made, made, maskUrl, type NativeEvent, unreadable } from "../../adapt/index.ts";
import { findClient, splitForwarded } from "./forwarded.ts";
import { opOfMethod } from "./web-ops.ts";
import type { WebSettings } from "./web-options.ts";
import { maskOf, PROTOCOL, type WebRecord } from "./web-record.ts";
import { hasZone } from "./web-time.ts";

type Resource = NativeEvent["resources"][number];

/** A request line taken apart; `target` has no secrets any more. */
export interface WebRequest {
  readonly method: string | undefined;
  readonly target: string | undefined;
}

const METHOD = /^[A-Z][A-Z_-]{0,31}$/;

/** Takes a request line apart: `GET /path?query HTTP/1.1`. Anything else, such as the bytes of another protocol, is no request. */
export function readRequest(line: string | undefined): WebRequest {
  const none = { method: undefined, target: undefined };
  if (line === undefined) return none;
  const space = line.indexOf(" ");
  if (space <= 0) return none;
  const method = line.slice(0, space);
  if (!METHOD.test(method)) return none;
  const protocol = PROTOCOL.exec(line);
  const target = line.slice(space + 1, protocol?.index ?? line.length).trim();
  // HTTP/0.9 has no protocol, and its target is a path.
  return target === "" || (protocol === null && !target.startsWith("/")) ? none : { method, target: maskUrl(target) };
}

function said(value: string | undefined): string | undefined {
  return value === "" || value === "-" || value === "_" ? undefined : value;
}

/** The virtual host: what the client asked for if logged, else the server block's name. */
function hostOf({ http_host, host, server_name }: WebRecord): string | undefined {
  const found = said(host) ?? said(http_host) ?? said(server_name);
  return found?.replace(/:\d{1,5}$/, "");
}

function requestOf(record: WebRecord): WebRequest {
  const { request, request_method, request_uri, uri, args } = record;
  const path = said(request_uri) ?? said(uri);
  if (path === undefined || request_method === undefined) return readRequest(request);
  const query = request_uri === undefined && said(args) !== undefined ? `?${args?.replace(/^\?/, "")}` : "";
  return { method: request_method, target: maskUrl(`${path}${query}`) };
}

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Names what was asked for: a path, or what a proxy is asked for (a whole address, or a host to connect to). */
export function readResource({ method, target }: WebRequest, host: string | undefined): Resource {
  const scope = host === undefined ? undefined : [host];
  if (target === undefined) return { type: "http.server", id: host ?? "unknown", scope };
  if (method === "CONNECT") return { type: "http.authority", id: target, scope };
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  return { type: ABSOLUTE.test(path) ? "http.url" : "http.path", id: path === "" ? "/" : path, scope };
}

/** 401, 403 and 407 say no by policy; other errors are failures. A request without an answer has no known outcome. */
export function readStatus(status: string | undefined): NativeEvent["outcome"] {
  const code = said(status);
  if (code === undefined) return { status: "unknown" };
  if (code === "401" || code === "403" || code === "407") return { status: "denied", code };
  const first = code.charCodeAt(0);
  return { status: first >= 0x31 && first <= 0x33 ? "success" : "failure", code };
}

function readSource(record: WebRecord, settings: WebSettings): NativeEvent["source"] {
  const { remote_addr, realip_remote_addr, remote_port, http_user_agent: userAgent } = record;
  const peer = said(remote_addr)?.replace(/^::ffff:(?=\d+\.)/, "");
  const port = remote_port === undefined ? undefined : Number(remote_port);
  if (peer === undefined || isIP(peer) === 0) return { host: peer?.startsWith("unix:") ? undefined : peer, userAgent };
  const header = (record as Readonly<Record<string, string | undefined>>)[settings.forwardedField];
  const forwarded = header === undefined ? [] : splitForwarded(header);
  if (settings.hasProxies) {
    const { ip, ipTrust, via } = findClient(peer, forwarded, settings.isTrusted);
    return { ip, ipTrust, via, port: ipTrust === "peer" ? port : undefined, userAgent };
  }
  const isReplaced = settings.realIp || (said(realip_remote_addr) ?? peer) !== peer;
  return { ip: peer, ipTrust: isReplaced ? "forwarded" : "peer", via: forwarded, port, userAgent };
}

function readActor(record: WebRecord, ns: string, source: NativeEvent["source"]): NativeEvent["actor"] {
  const user = said(record.remote_user);
  if (user !== undefined) return { type: "user", id: user, ns };
  const subject = said(record.ssl_client_s_dn);
  if (subject !== undefined && record.ssl_client_verify === "SUCCESS") return { type: "user", id: subject, ns: "x509" };
  const id = source.ip ?? source.host;
  return id === undefined ? { type: "unknown", id: "unknown", ns } : { type: "anonymous", id, ns: "ip" };
}

/** The log's own variables, without secrets. */
function nativeOf(record: WebRecord): Record<string, string> {
  const native: Record<string, string> = {};
  for (const name in record) {
    const value = (record as Readonly<Record<string, string | undefined>>)[name];
    if (value === undefined || value === "" || value === "-") continue;
    native[name] = maskOf(name)?.(value) ?? value;
  }
  return native;
}

/** What a reader knows beyond the record. */
export interface WebFacts {
  readonly warnings?: readonly string[] | undefined;
  /** The source's own record where it is not made of the variables: a JSON log's. */
  readonly native?: unknown;
  /** In place of what the request line and status say: for lines about more than a request. */
  readonly action?: NativeEvent["action"];
  readonly outcome?: NativeEvent["outcome"];
  readonly actor?: (ns: string) => NativeEvent["actor"];
}

/** Makes the event of a request. */
export function makeWebEvent(record: WebRecord, settings: WebSettings, facts: WebFacts = {}): Made {
  const time = settings.clock.read(record);
  if (time === undefined) {
    return unreadable(
      "time",
      "is no time of a web log",
      "Send the line as the server wrote it; see the option format.",
    );
  }
  const request = requestOf(record);
  const source = readSource(record, settings);
  const host = hostOf(record) ?? settings.site;
  const system = host ?? "web";
  const op = request.method === undefined ? undefined : opOfMethod(request.method);
  const warnings = [...(facts.warnings ?? [])];
  if (request.target === undefined) warnings.push("request:unreadable", "resource:default");
  if (op === undefined && facts.action === undefined) warnings.push("op:default");
  if (host === undefined) warnings.push("system:default");
  const isAssumed = record.msec === undefined && record.time_iso8601 === undefined && !hasZone(record.time_local ?? "");
  if (isAssumed && settings.timezone === undefined) warnings.push("tz:assumed");
  return made({
    time: { ...time, basis: "event", tz: isAssumed ? "assumed" : "stated" },
    actor: facts.actor?.(`http:${system}`) ?? readActor(record, `http:${system}`, source),
    action: facts.action ?? { op: op ?? "OTHER", name: request.method ?? "unreadable request", kind: "http" },
    resources: [readResource(request, host)],
    outcome: facts.outcome ?? readStatus(record.status),
    source,
    impact: {
      bytesIn: said(record.request_length),
      bytesOut: said(record.body_bytes_sent) ?? said(record.bytes_sent),
    },
    trace: traceOf(record),
    origin: { system, warnings },
    native: facts.native ?? nativeOf(record),
  });
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

function traceOf({ request_id, http_traceparent }: WebRecord): NativeEvent["trace"] {
  const parts = http_traceparent === undefined ? null : TRACEPARENT.exec(http_traceparent);
  if (request_id === undefined && parts === null) return undefined;
  return { requestId: request_id === MASK ? undefined : request_id, traceId: parts?.[1], spanId: parts?.[2] };
}
