import { createHmac } from "node:crypto";
import { canonicalJson } from "../digest/index.ts";

/**
 * HMAC-SHA-256 of a value's canonical JSON, as `hmac-sha256:` and base64url. Keyed, because a plain hash of a short value is found by
 * trying all values.
 */
export function keyedDigest(key: string | Uint8Array, value: unknown): string {
  return `hmac-sha256:${createHmac("sha256", key).update(canonicalJson(value)).digest("base64url")}`;
}
