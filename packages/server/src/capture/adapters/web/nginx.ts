import { Type } from "typebox";
import { defineLineAdapter } from "../../adapt/index.ts";
import { compileFormat, formatProblem, parseNginxFormat } from "./log-format.ts";
import { jsonNames } from "./read-json.ts";
import { readByFormat, readJsonLine, readUsualLine, webFormOf } from "./read-web-line.ts";
import { openSettings, webOptions } from "./web-options.ts";

function problemOf(format: string): string | undefined {
  return isUsual(format) || isJson(format) ? undefined : formatProblem(parseNginxFormat(format));
}

function isUsual(format: string | undefined): boolean {
  return format === undefined || format === "combined" || format === "main";
}

function isJson(format: string): boolean {
  return format.trimStart().startsWith("{");
}

/** Access logs of nginx: https://nginx.org/en/docs/http/ngx_http_log_module.html; of its error log, what names a request. */
export const nginx = defineLineAdapter({
  name: "nginx",
  title: "nginx access logs (combined, any log_format, JSON), error logs",
  options: Type.Object(
    {
      format: Type.Optional(
        Type.Refine(
          Type.String({
            description:
              "The log_format as it stands in nginx.conf, such as '$remote_addr [$time_iso8601] \"$request\" $status'; one that begins with { names the members of a JSON log. Absent: combined, with or without a virtual host before and forwarded addresses behind, JSON with usual names, Nginx Proxy Manager, error logs.",
          }),
          (format) => problemOf(format) === undefined,
          (format) => problemOf(format) ?? "",
        ),
      ),
      ...webOptions,
    },
    { additionalProperties: false },
  ),
  // The combined format is everybody's: see combined.ts.
  recognises(record) {
    const form = webFormOf(record);
    return form !== undefined && form !== "combined";
  },
  prepare(options) {
    const settings = openSettings(options);
    const { format } = options;
    if (format === undefined || isUsual(format)) return (record) => readUsualLine(record, settings);
    if (isJson(format)) {
      const variables = jsonNames(format);
      return (record) => readJsonLine(record, settings, variables);
    }
    return readByFormat(compileFormat(parseNginxFormat(format)), settings);
  },
});
