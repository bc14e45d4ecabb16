import { ed25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { EvidentError } from "../errors/index.ts";
import { type KeyPair, keySizes } from "./key-pair.ts";

function checkSeed(seed: Uint8Array): void {
  if (seed.length !== keySizes.seed) {
    throw new EvidentError("bad_encoding", `a seed has ${keySizes.seed} bytes, not ${seed.length}`);
  }
}

/** SHA-256 digest (FIPS 180-4), 32 new bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes);
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return hmac(nobleSha256, key, bytes);
}

/** Ed25519 key pair of a 32-byte seed (RFC 8032). @throws EvidentError `bad_encoding` for another length */
export function ed25519FromSeed(seed: Uint8Array): KeyPair {
  checkSeed(seed);
  const secret = seed.slice();
  return { publicKey: ed25519.getPublicKey(secret), sign: (message) => ed25519.sign(message, secret) };
}

/**
 * ML-DSA-44 key pair of a 32-byte seed (FIPS 204), pure, empty context; deterministic signatures.
 *
 * @throws EvidentError `bad_encoding` for another length
 */
export function mldsa44FromSeed(seed: Uint8Array): KeyPair {
  checkSeed(seed);
  const { publicKey, secretKey } = ml_dsa44.keygen(seed);
  return { publicKey, sign: (message) => ml_dsa44.sign(message, secretKey, { extraEntropy: false }) };
}

/** Whether `signature` is the Ed25519 signature of `message`; false too for keys or signatures of a wrong length. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const { publicKey: keyBytes, signature: signatureBytes } = keySizes.ed25519;
  if (publicKey.length !== keyBytes || signature.length !== signatureBytes) return false;
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

/** Whether `signature` is the pure ML-DSA-44 signature (empty context) of `message`; false too for wrong lengths. */
export function mldsa44Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const { publicKey: keyBytes, signature: signatureBytes } = keySizes.mldsa44;
  if (publicKey.length !== keyBytes || signature.length !== signatureBytes) return false;
  try {
    return ml_dsa44.verify(signature, message, publicKey);
  } catch {
    return false;
  }
}
