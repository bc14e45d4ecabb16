import { createHmac, createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import { EvidentError } from "../errors/index.ts";
import { type KeyPair, keySizes } from "./key-pair.ts";

/** DER up to the raw key: PKCS #8 around a seed, SubjectPublicKeyInfo around a public key (RFC 8410, RFC 9881). */
const der = {
  ed25519: {
    pkcs8: Buffer.from("302e020100300506032b657004220420", "hex"),
    spki: Buffer.from("302a300506032b6570032100", "hex"),
  },
  mldsa44: {
    pkcs8: Buffer.from("3034020100300b060960864801650304031104228020", "hex"),
    spki: Buffer.from("30820532300b06096086480165030403110382052100", "hex"),
  },
} as const;

type Algorithm = keyof typeof der;

const MAX_CACHED_KEYS = 256;
const importedKeys = new Map<string, KeyObject>();

/**
 * SHA-256 digest (FIPS 180-4), 32 new bytes.
 *
 * Output as text and back costs half of what a digest in its own Buffer costs: such a Buffer lies outside the heap.
 */
export function sha256(bytes: Uint8Array): Uint8Array {
  const text = hash("sha256", bytes, "latin1");
  const digest = new Uint8Array(32);
  for (let i = 0; i < 32; i += 1) digest[i] = text.charCodeAt(i);
  return digest;
}

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const SHORT_BYTES = 64 * 1024;
const inner = new Uint8Array(BLOCK_BYTES + SHORT_BYTES);
const outer = new Uint8Array(BLOCK_BYTES + DIGEST_BYTES);

/**
 * HMAC-SHA-256 (RFC 2104), 32 bytes.
 *
 * Short messages are hashed by two one-shot digests: an Hmac object costs more than both.
 */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (key.length > BLOCK_BYTES || bytes.length > SHORT_BYTES) {
    return new Uint8Array(createHmac("sha256", key).update(bytes).digest());
  }
  for (let i = 0; i < BLOCK_BYTES; i += 1) {
    const byte = key[i] ?? 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  inner.set(bytes, BLOCK_BYTES);
  outer.set(sha256(inner.subarray(0, BLOCK_BYTES + bytes.length)), BLOCK_BYTES);
  return sha256(outer);
}

function keyFromSeed(algorithm: Algorithm, seed: Uint8Array): KeyPair {
  if (seed.length !== keySizes.seed) {
    throw new EvidentError("bad_encoding", `a seed has ${keySizes.seed} bytes, not ${seed.length}`);
  }
  const key = createPrivateKey({ key: Buffer.concat([der[algorithm].pkcs8, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(der[algorithm].spki.length)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

function importPublicKey(algorithm: Algorithm, publicKey: Uint8Array): KeyObject | undefined {
  const id = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.byteLength).toString("latin1");
  const known = importedKeys.get(id);
  if (known !== undefined) return known;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.concat([der[algorithm].spki, publicKey]), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
  if (importedKeys.size >= MAX_CACHED_KEYS) {
    const oldest = importedKeys.keys().next();
    if (!oldest.done) importedKeys.delete(oldest.value);
  }
  importedKeys.set(id, key);
  return key;
}

function verifyWith(algorithm: Algorithm, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const sizes = keySizes[algorithm];
  if (publicKey.length !== sizes.publicKey || signature.length !== sizes.signature) return false;
  const key = importPublicKey(algorithm, publicKey);
  return key !== undefined && verify(null, message, key, signature);
}

/** Ed25519 key pair of a 32-byte seed (RFC 8032). @throws EvidentError `bad_encoding` for another length */
export function ed25519FromSeed(seed: Uint8Array): KeyPair {
  return keyFromSeed("ed25519", seed);
}

/**
 * ML-DSA-44 key pair of a 32-byte seed (FIPS 204), pure, empty context. Node signs hedged, so two signatures of one message differ.
 *
 * @throws EvidentError `bad_encoding` for another length
 */
export function mldsa44FromSeed(seed: Uint8Array): KeyPair {
  return keyFromSeed("mldsa44", seed);
}

/** Whether `signature` is the Ed25519 signature of `message`; false too for keys or signatures of a wrong length. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verifyWith("ed25519", publicKey, message, signature);
}

/** Whether `signature` is the pure ML-DSA-44 signature (empty context) of `message`; false too for wrong lengths. */
export function mldsa44Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verifyWith("mldsa44", publicKey, message, signature);
}
