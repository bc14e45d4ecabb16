import { hash } from "node:crypto";

/** Bytes at the beginning of a file that tell it from others. */
export const HEAD_BYTES = 1_024;
/** Bytes before a position that tell whether the file is still the same up to there. */
export const TAIL_BYTES = 256;
const DIGEST_HEX = 32;

/** 16 bytes of SHA-256, as hex. */
export function digestOf(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex").slice(0, DIGEST_HEX);
}
