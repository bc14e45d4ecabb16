import type { Made } from "../../adapt/index.ts";
import { compileFormat, makeWebEvent, parseNginxFormat, type WebSettings } from "../web/index.ts";

const common =
  "$remote_addr:$remote_port [$time_local] $frontend_name $backend_name/$server_name_behind $timers $status $bytes_sent $captured_request_cookie $captured_response_cookie $termination_state $connections $queues";
/** HAProxy's `option httplog`, without and with captured headers: https://docs.haproxy.org/3.2/configuration.html#8.2.3 */
const formats = [`${common} "$request"`, `${common} {$captured_headers} "$request"`].map((format) =>
  compileFormat(parseNginxFormat(format)),
);

/** Reads a line of HAProxy's HTTP log; undefined for a line of another form. */
export function readHaproxy(message: string, settings: WebSettings): Made | undefined {
  for (const read of formats) {
    const record = read(message);
    if (record !== undefined) return makeWebEvent(record, settings);
  }
  return undefined;
}
