import { isObject, type Made, type NativeRecord, skipped, unreadable } from "../../adapt/index.ts";
import { compileFormat, parseNginxFormat } from "./log-format.ts";
import { makeWebEvent } from "./make-web-event.ts";
import { isCombined, readCombined } from "./read-combined.ts";
import { isErrorLog, readErrorLog } from "./read-error-log.ts";
import { isJsonAccess, maskJsonAccess, readJsonAccess, usualNames } from "./read-json.ts";
import type { WebSettings } from "./web-options.ts";
import type { WebRecord } from "./web-record.ts";

/** Nginx Proxy Manager's two formats: of hosts that it proxies, and of those that it answers itself. */
const proxyManager = [
  '[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] [Sent-to $upstream_addr] "$http_user_agent" "$http_referer"',
  '[$time_local] $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] "$http_user_agent" "$http_referer"',
].map((format) => compileFormat(parseNginxFormat(format)));
const PROXY_MANAGER = /^\[\d\d\/[A-Z][a-z]{2}\/\d{4}:[^\]]{1,20}\] .{1,9000} \[Client [^\]]{2,64}\] \[Length /s;

/** Forms of lines that are told apart by themselves. */
export type WebForm = "combined" | "error" | "json" | "proxy-manager";

/** The form of a line; undefined when it is none of a web server's usual ones. */
export function webFormOf(record: NativeRecord): WebForm | undefined {
  const { text } = record;
  const first = text.charCodeAt(0);
  if (first === 0x7b) {
    const parsed = record.json();
    return parsed.ok && isObject(parsed.value) && isJsonAccess(parsed.value) ? "json" : undefined;
  }
  if (isCombined(text)) return "combined";
  if (first === 0x5b && PROXY_MANAGER.test(text)) return "proxy-manager";
  return isErrorLog(text) ? "error" : undefined;
}

/** Reads a line in one of the usual forms. */
export function readUsualLine(record: NativeRecord, settings: WebSettings): Made {
  const { text } = record;
  if (text.charCodeAt(0) === 0x7b) return readJsonLine(record, settings, usualNames);
  const combined = readCombined(text);
  if (combined !== undefined) return makeWebEvent(combined.record, settings, combined);
  if (text.charCodeAt(0) === 0x5b) {
    for (const read of proxyManager) {
      const found = read(text);
      if (found !== undefined) return makeWebEvent(found, settings);
    }
  }
  const error = readErrorLog(text);
  if (error === "none") return skipped("error log line without a client");
  if (error !== undefined) return makeWebEvent(error.record, settings, error.facts);
  return unreadable("", "is no line of a usual web log", "Give the server's own format string in the option format.");
}

/** Reads a line in the common or combined format. */
export function readCombinedLine(record: NativeRecord, settings: WebSettings): Made {
  const combined = readCombined(record.text);
  if (combined !== undefined) return makeWebEvent(combined.record, settings, combined);
  return unreadable(
    "",
    "is no line of the common or combined format",
    "Give the server's own format string in the option format.",
  );
}

/** Whether a combined line has a virtual host with its port before it, as only Apache writes it. */
export function hasVirtualHost(text: string): boolean {
  return /^[^\s"[]{1,255}:\d{1,5} [^\s[]{2,255} /.test(text);
}

/** Reads a JSON line by names of its members. */
export function readJsonLine(
  record: NativeRecord,
  settings: WebSettings,
  variables: Readonly<Record<string, readonly string[]>>,
): Made {
  const parsed = record.json();
  if (!parsed.ok) return { kind: "unreadable", reasons: [parsed.problem] };
  if (!isObject(parsed.value)) return unreadable("", "is not a JSON object", "Send one object a line.");
  const found = readJsonAccess(parsed.value, variables);
  if (found.request === undefined && found.request_uri === undefined && found.uri === undefined) {
    return unreadable("request", "is missing", "Log $request, or $request_method and $request_uri.");
  }
  return makeWebEvent(found, settings, { native: maskJsonAccess(parsed.value, variables) });
}

/** Makes a reader of lines by a format string's compiled form. */
export function readByFormat(
  read: (text: string) => WebRecord | undefined,
  settings: WebSettings,
): (record: NativeRecord) => Made {
  return (record) => {
    const found = read(record.text);
    if (found !== undefined) return makeWebEvent(found, settings);
    return unreadable(
      "",
      "does not have the format that was given",
      "Compare the option format with the server's configuration.",
    );
  };
}
