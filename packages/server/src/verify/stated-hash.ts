import { asHash, EvidentError, fromBase64, HASH_BYTES, type Hash } from "@evident/core";

/** A hash as a statement or record gives it, in base64. What is none becomes zeros, which no tree has for a root. */
export function statedHash(text: string): Hash {
  try {
    return asHash(fromBase64(text));
  } catch (cause) {
    if (cause instanceof EvidentError) return asHash(new Uint8Array(HASH_BYTES));
    throw cause;
  }
}
