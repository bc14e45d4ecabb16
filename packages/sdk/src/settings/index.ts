export { parseDigestKey, parseKey, parseName, parseNumber, parseUrl } from "./parse-settings.ts";
