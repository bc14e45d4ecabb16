import { EvidentError } from "../errors/index.ts";
import { type OpenedCheckpoint, openCheckpoint, type Proof, parseProof, parseVerifierKey } from "../note/index.ts";
import { hashLeaf, verifyInclusion } from "../tree/index.ts";

/** Outcome of checking a receipt. */
export type ReceiptVerdict =
  | {
      readonly kind: "verified";
      readonly origin: string;
      readonly index: bigint;
      readonly size: bigint;
      /** The exact stored line. */
      readonly entry: Uint8Array;
      /** When the checkpoint was signed, as its signer states it, in Unix seconds. */
      readonly timestamps: readonly number[];
    }
  | {
      readonly kind: "failed";
      readonly why: Extract<OpenedCheckpoint, { kind: "invalid" }>["why"] | "wrong_root";
      readonly detail: string;
    }
  | { readonly kind: "unchecked"; readonly missing: "entry" | "keys" };

/**
 * Checks a `.tlog-proof` without network: the checkpoint's signatures, then the path from the entry to its root.
 *
 * @param receipt `entry` defaults to the bytes in the proof's `extra`; `keys` are the trail's verifier keys, of several generations if
 *   it was rotated. Each kind of key among them (Ed25519, ML-DSA-44) must have signed.
 */
export function verifyReceipt(receipt: {
  readonly proof: Uint8Array;
  readonly entry?: Uint8Array;
  readonly keys: readonly string[];
}): ReceiptVerdict {
  if (receipt.keys.length === 0) return { kind: "unchecked", missing: "keys" };
  let proof: Proof;
  let types: Set<number>;
  try {
    proof = parseProof(receipt.proof);
    types = new Set(receipt.keys.map((key) => parseVerifierKey(key).type));
  } catch (cause) {
    if (cause instanceof EvidentError) return { kind: "failed", why: "malformed", detail: cause.message };
    throw cause;
  }
  const opened = openCheckpoint(proof.checkpoint, receipt.keys, { strict: false });
  if (opened.kind === "invalid") return { kind: "failed", why: opened.why, detail: opened.detail };
  const absent = [...types].find((type) => !opened.signers.some((signer) => signer.type === type));
  if (absent !== undefined) {
    return { kind: "failed", why: "missing_signature", detail: `no signature by a given key of type ${absent}` };
  }
  const entry = receipt.entry ?? proof.extra;
  if (entry === undefined) return { kind: "unchecked", missing: "entry" };
  const { origin, size, root } = opened.checkpoint;
  const { index } = proof;
  if (!verifyInclusion(hashLeaf(entry), index, size, proof.path, root)) {
    return {
      kind: "failed",
      why: "wrong_root",
      detail: `the entry is not the one with index ${index} of ${size} in ${origin}`,
    };
  }
  return { kind: "verified", origin, index, size, entry, timestamps: opened.timestamps };
}
