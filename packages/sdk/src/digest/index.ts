export { canonicalJson } from "./canonical-json.ts";
export { diffFields } from "./diff-fields.ts";
export { webDigest } from "./web-digest.ts";
