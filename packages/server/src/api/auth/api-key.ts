import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const FORM = /^evk_(?<id>[0-9a-f]{16})_(?<secret>[A-Za-z0-9_-]{43})$/;

/** An API key as its owner holds it: `evk_<16 hex>_<256 bits in base64url>`. Never stored, logged or put in an error. */
export interface ApiKey {
  readonly id: string;
  readonly text: string;
}

/** Makes a key from the system's randomness. */
export function makeApiKey(): ApiKey {
  const id = randomBytes(ID_BYTES).toString("hex");
  return { id, text: `evk_${id}_${randomBytes(SECRET_BYTES).toString("base64url")}` };
}

/** Parses a key; undefined when it does not have the form of one. */
export function parseApiKey(text: string): ApiKey | undefined {
  const id = FORM.exec(text)?.groups?.["id"];
  return id === undefined ? undefined : { id, text };
}

/** What is stored of a key: SHA-256 of its text in base64. A plain hash suffices for a secret of 256 random bits. */
export function hashApiKey(key: ApiKey): string {
  return createHash("sha256").update(key.text).digest("base64");
}

/** Compares in constant time whether a key has this hash. */
export function matchesHash(key: ApiKey, hash: string): boolean {
  const found = createHash("sha256").update(key.text).digest();
  const wanted = Buffer.from(hash, "base64");
  return wanted.length === found.length && timingSafeEqual(found, wanted);
}

/** Replaces the secret part of everything in a text that looks like a key. */
export function maskApiKeys(text: string): string {
  return text.replaceAll(/evk_([0-9a-f]{1,16})_[A-Za-z0-9_-]+/g, "evk_$1_***");
}
