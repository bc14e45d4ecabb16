/** A signing key. `publicKey` is the raw key: 32 bytes for Ed25519, 1,312 for ML-DSA-44. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  /** Signature over the message itself (not a digest of it): 64 bytes for Ed25519, 2,420 for ML-DSA-44. */
  sign(message: Uint8Array): Uint8Array;
}

/** Byte lengths of raw keys, seeds and signatures (RFC 8032; FIPS 204 table 2). */
export const keySizes = {
  seed: 32,
  ed25519: { publicKey: 32, signature: 64 },
  mldsa44: { publicKey: 1312, signature: 2420 },
} as const;
