export { canonicalJson } from "./canonical-json.ts";
export { changesOf } from "./changes.ts";
export { diffFields } from "./diff-fields.ts";
export { webDigest } from "./web-digest.ts";
