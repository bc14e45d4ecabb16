import { ed25519Verify, mldsa44Verify } from "../crypto/index.ts";
import { concatBytes, utf8 } from "../encoding/index.ts";
import { EvidentError } from "../errors/index.ts";
import type { Hash } from "../tree/index.ts";
import { noteKeyTypes, type VerifierKey } from "./verifier-key.ts";

/** A statement that a tree from `start` to `end` has `hash`. Times are Unix seconds. */
export interface Subtree {
  readonly cosigner: string;
  readonly timestamp: number;
  readonly origin: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly hash: Uint8Array;
}

const subtreePrefix = utf8("subtree/v1\n\0");
const TIMESTAMP_BYTES = 8;
const MAX_NAME_BYTES = 255;

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

function shortText(text: string): Uint8Array {
  const bytes = utf8(text);
  if (bytes.length > MAX_NAME_BYTES)
    throw new EvidentError("malformed", `a name of ${bytes.length} bytes; the limit is 255`);
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}

/** What a cosignature of type 04 signs: a header with the time, then the whole text of the note (C2SP tlog-cosignature). */
export function cosignatureV1Message(text: string, timestamp: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timestamp}\n${text}`);
}

/**
 * What a signature of type 06 signs (C2SP tlog-cosignature 1.1). For a checkpoint `start` is 0 and `end` its size.
 *
 * @throws EvidentError `malformed` for a name of more than 255 bytes, or a time with a `start` other than 0
 */
export function subtreeMessage(subtree: Subtree): Uint8Array {
  const { cosigner, timestamp, origin, start, end, hash } = subtree;
  if (start !== 0n && timestamp !== 0)
    throw new EvidentError("malformed", "only a tree from 0 on is signed with a time");
  return concatBytes(
    subtreePrefix,
    shortText(cosigner),
    u64(BigInt(timestamp)),
    shortText(origin),
    u64(start),
    u64(end),
    hash,
  );
}

/** Signature bytes of types 04 and 06: the time as u64, then the raw signature. */
export function timedSignature(timestamp: number, raw: Uint8Array): Uint8Array {
  return concatBytes(u64(BigInt(timestamp)), raw);
}

/** Whether a signature over a checkpoint holds, and the time it states, in Unix seconds. */
export type SignatureVerdict =
  | { readonly kind: "valid"; readonly timestamp?: number }
  | { readonly kind: "bad" }
  | { readonly kind: "unknown_type" };

/**
 * Checks one signature of a checkpoint note: type 01 (Ed25519 over the text), 04 (Ed25519 cosignature) or 06 (ML-DSA-44 cosignature).
 *
 * @param text the whole text of the note that `checkpoint` was read from
 */
export function verifyCheckpointSignature(
  key: VerifierKey,
  signature: Uint8Array,
  text: string,
  checkpoint: { readonly origin: string; readonly size: bigint; readonly root: Hash },
): SignatureVerdict {
  if (key.type === noteKeyTypes.ed25519) {
    return { kind: ed25519Verify(key.publicKey, utf8(text), signature) ? "valid" : "bad" };
  }
  if (key.type !== noteKeyTypes.cosignatureV1 && key.type !== noteKeyTypes.mldsa44) return { kind: "unknown_type" };
  if (signature.length < TIMESTAMP_BYTES) return { kind: "bad" };
  const stated = new DataView(signature.buffer, signature.byteOffset, TIMESTAMP_BYTES).getBigUint64(0);
  if (stated > BigInt(Number.MAX_SAFE_INTEGER)) return { kind: "bad" };
  const timestamp = Number(stated);
  const raw = signature.subarray(TIMESTAMP_BYTES);
  const { origin, size, root } = checkpoint;
  const valid =
    key.type === noteKeyTypes.cosignatureV1
      ? ed25519Verify(key.publicKey, cosignatureV1Message(text, timestamp), raw)
      : mldsa44Verify(
          key.publicKey,
          subtreeMessage({ cosigner: key.name, timestamp, origin, start: 0n, end: size, hash: root }),
          raw,
        );
  return valid ? { kind: "valid", timestamp } : { kind: "bad" };
}
