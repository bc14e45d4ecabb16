export { fromBase64, fromBase64Url, fromHex, toBase64, toBase64Url, toHex } from "./base.ts";
export { compareBytes, concatBytes, equalBytes } from "./bytes.ts";
export { fromUtf8, utf8 } from "./text.ts";
