import { sha256 } from "../crypto/index.ts";
import { EvidentError } from "../errors/index.ts";

declare const brand: unique symbol;

/** A hash of the tree: 32 bytes of SHA-256 (RFC 6962 §2.1). */
export type Hash = Uint8Array & { readonly [brand]: "Hash" };

/** Bytes of one hash. */
export const HASH_BYTES = 32;

/** Longest entry a bundle can hold: its length prefix has 16 bits. */
export const MAX_ENTRY_BYTES = 65_535;

/** Takes 32 bytes as a hash, without copying. @throws EvidentError `bad_encoding` for another length */
export function asHash(bytes: Uint8Array): Hash {
  if (bytes.length !== HASH_BYTES) throw new EvidentError("bad_encoding", `a hash has 32 bytes, not ${bytes.length}`);
  return bytes as Hash;
}

// Hashing is synchronous, so one buffer each serves all calls.
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES);
nodeInput[0] = 1;
const leafInput = new Uint8Array(1 + MAX_ENTRY_BYTES);

/** Root of the tree without entries: SHA-256 of nothing. */
export const emptyRoot: Hash = asHash(sha256(new Uint8Array(0)));

/** Leaf hash of an entry: SHA-256(0x00 ‖ entry), RFC 6962 §2.1. Any length; up to 65,535 bytes without an allocation. */
export function hashLeaf(entry: Uint8Array): Hash {
  const input = entry.length < leafInput.length ? leafInput : new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return asHash(sha256(input.subarray(0, 1 + entry.length)));
}

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1. */
export function hashNode(left: Hash, right: Hash): Hash {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return asHash(sha256(nodeInput));
}

/** Splits concatenated hashes; the parts share the memory of `bytes`. @throws EvidentError `bad_encoding` for a broken last one */
export function splitHashes(bytes: Uint8Array): Hash[] {
  if (bytes.length % HASH_BYTES !== 0) {
    throw new EvidentError("bad_encoding", `${bytes.length} bytes are not whole hashes of 32`);
  }
  const hashes: Hash[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(asHash(bytes.subarray(at, at + HASH_BYTES)));
  return hashes;
}
