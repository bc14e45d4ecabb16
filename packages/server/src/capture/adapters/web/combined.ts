import { Type } from "typebox";
import { defineLineAdapter } from "../../adapt/index.ts";
import { hasVirtualHost, readCombinedLine, webFormOf } from "./read-web-line.ts";
import { openSettings, webOptions } from "./web-options.ts";

/**
 * The common and combined formats, which nginx, Apache, Traefik, Caddy and others write alike: which server wrote a line cannot be told
 * from it.
 */
export const combined = defineLineAdapter({
  name: "combined",
  title: "Web access logs in the common or combined format, of any server",
  options: Type.Object(webOptions, { additionalProperties: false }),
  recognises: (record) => webFormOf(record) === "combined" && !hasVirtualHost(record.text),
  prepare(options) {
    const settings = openSettings(options);
    return (record) => readCombinedLine(record, settings);
  },
});
