import { isObject, type JsonObject, maskMembers, toText } from "../../adapt/index.ts";
import { maskOf, type WebRecord } from "./web-record.ts";

/** Usual names of members in JSON access logs, most exact first, under nginx's names. */
const names: Readonly<Record<string, readonly string[]>> = {
  remote_addr: ["remote_addr", "remote_ip", "client_ip", "clientip", "remoteIP", "remote_host", "client"],
  realip_remote_addr: ["realip_remote_addr"],
  remote_port: ["remote_port", "client_port"],
  remote_user: ["remote_user", "remoteUser", "user", "auth"],
  ssl_client_s_dn: ["ssl_client_s_dn"],
  ssl_client_verify: ["ssl_client_verify"],
  msec: ["msec"],
  time_iso8601: ["time_iso8601", "@timestamp", "timestamp", "time", "date"],
  time_local: ["time_local", "time", "timestamp"],
  request: ["request", "request_line"],
  request_method: ["request_method", "method", "verb", "requestMethod"],
  request_uri: ["request_uri", "requestUri", "uri_path", "path", "url"],
  uri: ["uri", "document_uri"],
  args: ["args", "query_string", "query"],
  server_protocol: ["server_protocol", "protocol"],
  status: ["status", "status_code", "response", "response_status", "response_code"],
  body_bytes_sent: ["body_bytes_sent", "bytes_sent", "bytesSent", "bytes", "response_size"],
  request_length: ["request_length", "bytes_received", "request_size"],
  request_id: ["request_id", "requestId", "http_x_request_id", "x_request_id"],
  http_host: ["http_host", "host_header"],
  host: ["host", "vhost", "domain"],
  server_name: ["server_name", "serverName"],
  http_referer: ["http_referer", "http_referrer", "referer", "referrer"],
  http_user_agent: ["http_user_agent", "user_agent", "userAgent", "agent", "useragent"],
  http_x_forwarded_for: ["http_x_forwarded_for", "x_forwarded_for", "xff", "X-Forwarded-For"],
  http_traceparent: ["http_traceparent", "traceparent"],
};
const ISO = /^\d{4}-\d\d-\d\dT/;
const LOCAL = /^\d\d\/[A-Z][a-z]{2}\/\d{4}:/;

/** Names of a log's members under nginx's names, read from a format that is JSON itself: `{"ip":"$remote_addr",…}`. */
export function jsonNames(format: string): Readonly<Record<string, readonly string[]>> {
  const own: Record<string, string[]> = {};
  for (const [, name = "", variable = ""] of format.matchAll(/"([\w@.-]{1,100})"\s*:\s*"?\$\{?(\w{1,100})\}?/g)) {
    (own[variable] ??= []).push(name);
  }
  return Object.fromEntries(
    [...new Set([...Object.keys(names), ...Object.keys(own)])].map((variable) => [
      variable,
      [...(own[variable] ?? []), ...(names[variable] ?? [])],
    ]),
  );
}

export const usualNames = names;

/** Whether an object is an access log's: who asked for what, and what the answer was. Names that other logs also have do not count. */
export function isJsonAccess(value: JsonObject): boolean {
  const has = (variable: string): boolean => (names[variable] ?? []).some((name) => typeof value[name] === "string");
  const hasStatus = (names["status"] ?? []).some((name) => /^\d{3}$/.test(String(value[name])));
  const asked = has("request") || (has("request_method") && (has("request_uri") || has("uri")));
  return (
    hasStatus &&
    asked &&
    typeof (
      value["remote_addr"] ??
      value["remote_ip"] ??
      value["client_ip"] ??
      value["clientip"] ??
      value["remoteIP"] ??
      value["http_user_agent"]
    ) === "string"
  );
}

/** Reads a JSON access log's record. */
export function readJsonAccess(value: JsonObject, variables: Readonly<Record<string, readonly string[]>>): WebRecord {
  const found: Record<string, string> = {};
  for (const [variable, candidates] of Object.entries(variables)) {
    for (const name of candidates) {
      const text = Object.hasOwn(value, name) ? toText(value[name]) : undefined;
      if (text === undefined || !fits(variable, text)) continue;
      found[variable] = text;
      break;
    }
  }
  return found;
}

function fits(variable: string, text: string): boolean {
  if (variable === "time_iso8601") return ISO.test(text);
  if (variable === "time_local") return LOCAL.test(text);
  if (variable === "request") return text.includes(" ");
  return variable !== "uri" && variable !== "request_uri" ? true : text.startsWith("/") || text.includes("://");
}

/** The record without secrets: the members of known names by their variable, all others by name. */
export function maskJsonAccess(value: JsonObject, variables: Readonly<Record<string, readonly string[]>>): unknown {
  const masked = maskMembers(value);
  if (!isObject(masked)) return masked;
  const changed: Record<string, unknown> = { ...masked };
  for (const name of Object.keys(masked)) {
    const text = masked[name];
    if (typeof text !== "string") continue;
    const mask = maskOf(name);
    if (mask !== undefined) Object.defineProperty(changed, name, { value: mask(text), enumerable: true });
  }
  for (const variable of ["request", "request_uri", "uri", "args", "http_referer"]) {
    for (const name of variables[variable] ?? []) {
      const text = Object.hasOwn(changed, name) ? changed[name] : undefined;
      if (typeof text === "string") changed[name] = maskOf(variable)?.(text) ?? text;
    }
  }
  return changed;
}
