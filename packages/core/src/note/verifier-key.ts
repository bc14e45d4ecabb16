import { sha256 } from "../crypto/index.ts";
import { concatBytes, fromBase64, toBase64, toHex, utf8 } from "../encoding/index.ts";
import { EvidentError } from "../errors/index.ts";

/** Signature types of C2SP signed-note and tlog-cosignature that we know. */
export const noteKeyTypes = { ed25519: 0x01, cosignatureV1: 0x04, mldsa44: 0x06 } as const;

/** A public key under a name. `keyId` has four bytes and is derived from the rest. */
export interface VerifierKey {
  readonly name: string;
  readonly type: number;
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
}

const KEY_ID_BYTES = 4;
const LONGEST_KEY_TEXT = 4096;

/** Whether a name may stand in a note: not empty, no white space or control character, no `+` (C2SP signed-note). */
export function isKeyName(name: string): boolean {
  return name !== "" && name.isWellFormed() && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

/** Key id: the first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ publicKey) (C2SP signed-note). */
export function keyId(name: string, type: number, publicKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8(name), Uint8Array.of(0x0a, type), publicKey)).slice(0, KEY_ID_BYTES);
}

/**
 * Verifier key text: `name+hex8(keyId)+base64(type ‖ publicKey)` (C2SP signed-note).
 *
 * @throws EvidentError `malformed` for a name that cannot stand in a note
 */
export function formatVerifierKey(key: {
  readonly name: string;
  readonly type: number;
  readonly publicKey: Uint8Array;
}): string {
  const { name, type, publicKey } = key;
  if (!isKeyName(name))
    throw new EvidentError("malformed", `a key cannot be named ${JSON.stringify(name.slice(0, 100))}`);
  return `${name}+${toHex(keyId(name, type, publicKey))}+${toBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/** Reads a verifier key. @throws EvidentError `malformed` when it is not one, or its key id does not belong to it */
export function parseVerifierKey(text: string): VerifierKey {
  const shown = JSON.stringify(text.slice(0, 80));
  // The base64 may hold further `+`; a name cannot.
  const [, name, id, base64] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text.slice(0, LONGEST_KEY_TEXT)) ?? [];
  if (name === undefined || id === undefined || base64 === undefined || !isKeyName(name)) {
    throw new EvidentError("malformed", `not a verifier key (name+8 hex digits+base64): ${shown}`);
  }
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(base64);
  } catch (cause) {
    throw new EvidentError("malformed", `not a verifier key, its last part is no base64: ${shown}`, { cause });
  }
  const type = bytes[0];
  if (type === undefined || bytes.length < 2)
    throw new EvidentError("malformed", `a verifier key without a key: ${shown}`);
  const publicKey = bytes.slice(1);
  const derived = keyId(name, type, publicKey);
  if (toHex(derived) !== id) {
    throw new EvidentError("malformed", `the key id of ${shown} is ${id}, but its key gives ${toHex(derived)}`);
  }
  return { name, type, publicKey, keyId: derived };
}
