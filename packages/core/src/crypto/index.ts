export { ed25519FromSeed, ed25519Verify, hmacSha256, mldsa44FromSeed, mldsa44Verify, sha256 } from "#crypto";
export { type KeyPair, keySizes } from "./key-pair.ts";
