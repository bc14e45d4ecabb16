import { Type } from "typebox";
import { defineLineAdapter } from "../../adapt/index.ts";
import { compileFormat, formatProblem, parseApacheFormat } from "./log-format.ts";
import { hasVirtualHost, readByFormat, readCombinedLine, webFormOf } from "./read-web-line.ts";
import { openSettings, webOptions } from "./web-options.ts";

const USUAL: ReadonlySet<string> = new Set(["common", "combined", "vhost_combined"]);

function problemOf(format: string): string | undefined {
  if (USUAL.has(format)) return undefined;
  const parsed = parseApacheFormat(format);
  return parsed === undefined ? "has a directive that is unknown, or a time in a form that is" : formatProblem(parsed);
}

/** Access logs of Apache httpd: https://httpd.apache.org/docs/current/mod/mod_log_config.html */
export const apache = defineLineAdapter({
  name: "apache",
  title: "Apache access logs (common, combined, vhost_combined, any LogFormat)",
  options: Type.Object(
    {
      format: Type.Optional(
        Type.Refine(
          Type.String({
            description:
              "The LogFormat as it stands in the configuration, such as '%h %l %u %t \"%r\" %>s %b'. Absent: common, combined or vhost_combined.",
          }),
          (format) => problemOf(format) === undefined,
          (format) => problemOf(format) ?? "",
        ),
      ),
      ...webOptions,
    },
    { additionalProperties: false },
  ),
  recognises: (record) => hasVirtualHost(record.text) && webFormOf(record) === "combined",
  prepare(options) {
    const settings = openSettings(options);
    const { format } = options;
    const parsed = format === undefined || USUAL.has(format) ? undefined : parseApacheFormat(format);
    if (parsed === undefined) return (record) => readCombinedLine(record, settings);
    return readByFormat(compileFormat(parsed), settings);
  },
});
