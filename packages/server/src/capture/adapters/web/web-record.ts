import { isSecretName, MASK, maskText, maskUrl } from "../../adapt/index.ts";

/**
 * One request as a web server logged it, under nginx's names of variables whichever server it was: rules and searches find the same names
 * everywhere. Values are as they stand in the log; "" and "-" say nothing. Further variables of a format stand under their own names.
 */
export interface WebRecord {
  readonly remote_addr?: string | undefined;
  /** The peer, where the server itself has replaced `remote_addr` by a forwarded address. */
  readonly realip_remote_addr?: string | undefined;
  readonly remote_port?: string | undefined;
  readonly remote_logname?: string | undefined;
  readonly remote_user?: string | undefined;
  readonly ssl_client_s_dn?: string | undefined;
  readonly ssl_client_verify?: string | undefined;
  readonly time_local?: string | undefined;
  readonly time_iso8601?: string | undefined;
  /** Seconds since 1970, with fraction. */
  readonly msec?: string | undefined;
  readonly request?: string | undefined;
  readonly request_method?: string | undefined;
  readonly request_uri?: string | undefined;
  readonly uri?: string | undefined;
  readonly args?: string | undefined;
  readonly server_protocol?: string | undefined;
  readonly status?: string | undefined;
  readonly body_bytes_sent?: string | undefined;
  readonly bytes_sent?: string | undefined;
  readonly request_length?: string | undefined;
  readonly request_id?: string | undefined;
  readonly http_host?: string | undefined;
  readonly host?: string | undefined;
  readonly server_name?: string | undefined;
  readonly server_port?: string | undefined;
  readonly http_referer?: string | undefined;
  readonly http_user_agent?: string | undefined;
  readonly http_x_forwarded_for?: string | undefined;
  readonly http_traceparent?: string | undefined;
  /** Of Traefik. */
  readonly request_count?: string | undefined;
  readonly router_name?: string | undefined;
  readonly upstream_addr?: string | undefined;
  readonly request_time_ms?: string | undefined;
  /** Of the error log. */
  readonly level?: string | undefined;
  readonly pid?: string | undefined;
  readonly tid?: string | undefined;
  readonly connection?: string | undefined;
  readonly error?: string | undefined;
  readonly upstream?: string | undefined;
  /** What stands behind the last field that is known. */
  readonly rest?: string | undefined;
}

/** A line as its reader understood it. */
export interface WebLine {
  readonly record: WebRecord;
  readonly warnings?: readonly string[];
}

/** Variables that hold an address or its query. */
const ADDRESSES: ReadonlySet<string> = new Set([
  "args",
  "document_uri",
  "http_location",
  "http_referer",
  "query_string",
  "request_uri",
  "sent_http_location",
  "upstream_http_location",
  "uri",
]);
const PREFIX = /^(?:(?:upstream_|sent_|proxy_)?http_|(?:upstream_)?cookie_|arg_|env_|note_)/;

/** What ends a request line. */
export const PROTOCOL = / HTTP\/\d(?:\.\d)?$/;

/** A request line without the secrets of its target. */
export function maskRequestLine(line: string): string {
  if (!line.includes("=") && !line.includes("%") && !line.includes("@")) return line;
  const end = PROTOCOL.exec(line)?.index ?? line.length;
  return maskUrl(line.slice(0, end)) + line.slice(end);
}

/** How the secrets of a variable are taken out; undefined for variables that hold none. */
export function maskOf(variable: string): ((value: string) => string) | undefined {
  if (ADDRESSES.has(variable)) return maskUrl;
  if (variable === "request") return maskRequestLine;
  if (variable === "rest" || variable === "captured_headers") return maskText;
  // HAProxy writes cookies that it was told to.
  if (variable.startsWith("captured_")) return () => MASK;
  const prefix = PREFIX.exec(variable)?.[0];
  return prefix !== undefined && isSecretName(variable.slice(prefix.length)) ? () => MASK : undefined;
}
