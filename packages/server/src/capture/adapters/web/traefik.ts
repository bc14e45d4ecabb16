import { Type } from "typebox";
import { defineLineAdapter, isObject, type NativeRecord } from "../../adapt/index.ts";
import { readCombinedLine, readJsonLine } from "./read-web-line.ts";
import { openSettings, webOptions } from "./web-options.ts";

/** Members of Traefik's JSON access log under nginx's names. */
const names: Readonly<Record<string, readonly string[]>> = {
  remote_addr: ["ClientHost"],
  remote_port: ["ClientPort"],
  remote_user: ["ClientUsername"],
  time_iso8601: ["StartUTC", "time"],
  request_method: ["RequestMethod"],
  request_uri: ["RequestPath"],
  server_protocol: ["RequestProtocol"],
  status: ["DownstreamStatus", "OriginStatus"],
  body_bytes_sent: ["DownstreamContentSize"],
  request_length: ["RequestContentSize"],
  request_id: ["request_X-Request-Id"],
  host: ["RequestHost", "RequestAddr"],
  http_referer: ["request_Referer"],
  http_user_agent: ["request_User-Agent"],
  http_x_forwarded_for: ["request_X-Forwarded-For"],
  http_traceparent: ["request_Traceparent"],
};

function isTraefik(record: NativeRecord): boolean {
  if (record.text.charCodeAt(0) !== 0x7b) return false;
  const parsed = record.json();
  return parsed.ok && isObject(parsed.value) && "RequestMethod" in parsed.value && "DownstreamStatus" in parsed.value;
}

/** Access logs of Traefik: https://doc.traefik.io/traefik/observability/access-logs/ */
export const traefik = defineLineAdapter({
  name: "traefik",
  title: "Traefik access logs (JSON, CLF)",
  options: Type.Object(webOptions, { additionalProperties: false }),
  recognises: isTraefik,
  prepare(options) {
    const settings = openSettings(options);
    return (record) =>
      record.text.charCodeAt(0) === 0x7b ? readJsonLine(record, settings, names) : readCombinedLine(record, settings);
  },
});
