import { canonicalJson } from "./canonical-json.ts";

/** The same digest as `keyedDigest`, from Web Crypto. */
export async function webDigest(key: string | Uint8Array, value: unknown): Promise<string> {
  const encoder = new TextEncoder();
  const bytes = typeof key === "string" ? encoder.encode(key) : new Uint8Array(key);
  const hmac = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const digest = await crypto.subtle.sign("HMAC", hmac, encoder.encode(canonicalJson(value)));
  const text = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return `hmac-sha256:${text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}
