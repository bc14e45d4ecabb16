export { apache } from "./apache.ts";
export { combined } from "./combined.ts";
export { compileFormat, parseNginxFormat } from "./log-format.ts";
export { makeWebEvent } from "./make-web-event.ts";
export { nginx } from "./nginx.ts";
export { readUsualLine, webFormOf } from "./read-web-line.ts";
export { traefik } from "./traefik.ts";
export { openSettings, type WebSettings, webOptions } from "./web-options.ts";
