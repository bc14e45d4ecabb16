import { ed25519FromSeed, formatVerifierKey, type KeyPair, mldsa44FromSeed, signCheckpoint, utf8 } from "@evident/core";
import type { CheckpointKey } from "./key-files.ts";

/** A head to be signed. `timestamp` is Unix seconds. */
export interface HeadToSign {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly timestamp: number;
}

/** Signs checkpoints of one trail with one generation of keys, and nothing else. A file today; a KMS or another process later. */
export interface CheckpointSigner {
  /** Verifier keys: Ed25519, then ML-DSA-44. */
  readonly keys: readonly string[];
  sign(head: HeadToSign): Uint8Array;
  /** One checkpoint carrying this signer's and `next`'s signatures: a rotation note. */
  signWith(next: CheckpointSigner, head: HeadToSign): Uint8Array;
  readonly pairs: { readonly ed25519: KeyPair; readonly mldsa44: KeyPair };
}

/** Signs bytes for one purpose: WAL records or fold snapshots. */
export interface Signer {
  readonly key: string;
  sign(message: Uint8Array): Uint8Array;
}

/** Verifier key types of C2SP signed-note: 1 Ed25519, 6 ML-DSA-44 cosignature. */
const TYPE_ED25519 = 1;
const TYPE_MLDSA44 = 6;

export function makeCheckpointSigner(key: CheckpointKey): CheckpointSigner {
  const pairs = { ed25519: ed25519FromSeed(key.ed25519), mldsa44: mldsa44FromSeed(key.mldsa44) };
  return {
    pairs,
    keys: [
      formatVerifierKey({ name: key.origin, type: TYPE_ED25519, publicKey: pairs.ed25519.publicKey }),
      formatVerifierKey({ name: key.origin, type: TYPE_MLDSA44, publicKey: pairs.mldsa44.publicKey }),
    ],
    sign: (head) => signCheckpoint(head, [pairs]),
    signWith: (next, head) => signCheckpoint(head, [pairs, next.pairs]),
  };
}

export function makeSigner(name: string, seed: Uint8Array): Signer {
  const pair = ed25519FromSeed(seed);
  return {
    key: formatVerifierKey({ name, type: TYPE_ED25519, publicKey: pair.publicKey }),
    sign: (message) => pair.sign(message),
  };
}

/** What a fold snapshot's signature covers. */
export function snapshotMessage(text: string): Uint8Array {
  return utf8(`evident/fold-snapshot/v1\n${text}`);
}
