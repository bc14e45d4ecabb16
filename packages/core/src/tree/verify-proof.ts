import { equalBytes } from "../encoding/index.ts";
import { emptyRoot, type Hash, hashNode } from "./hash.ts";

/**
 * Whether `path` (sibling hashes from the leaf upward) proves that the entry with hash `leaf` has `index` in the tree of `size` and `root`.
 * RFC 9162 §2.1.3.2; any size.
 */
export function verifyInclusion(leaf: Hash, index: bigint, size: bigint, path: readonly Hash[], root: Hash): boolean {
  if (index < 0n || index >= size) return false;
  let node = index;
  let last = size - 1n;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      hash = hashNode(sibling, hash);
      while (node % 2n === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = hashNode(hash, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equalBytes(hash, root);
}

/**
 * Whether `path` proves that the tree of `newSize` and `newRoot` begins with the tree of `oldSize` and `oldRoot`.
 * RFC 9162 §2.1.4.2; from size 0, and between equal sizes, the path is empty.
 */
export function verifyConsistency(
  oldSize: bigint,
  oldRoot: Hash,
  newSize: bigint,
  newRoot: Hash,
  path: readonly Hash[],
): boolean {
  if (oldSize < 0n || oldSize > newSize) return false;
  if (oldSize === 0n) {
    return path.length === 0 && equalBytes(oldRoot, emptyRoot) && (newSize > 0n || equalBytes(newRoot, emptyRoot));
  }
  if (oldSize === newSize) return path.length === 0 && equalBytes(oldRoot, newRoot);
  let node = oldSize - 1n;
  let last = newSize - 1n;
  while (node % 2n === 1n) {
    node >>= 1n;
    last >>= 1n;
  }
  // When the old size is a power of two its root is itself the first hash of the path.
  const hashes = node === 0n ? [oldRoot, ...path] : path;
  const [start] = hashes;
  if (start === undefined || path.length === 0) return false;
  let oldHash = start;
  let newHash = start;
  for (const sibling of hashes.slice(1)) {
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      oldHash = hashNode(sibling, oldHash);
      newHash = hashNode(sibling, newHash);
      while (node % 2n === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      newHash = hashNode(newHash, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equalBytes(oldHash, oldRoot) && equalBytes(newHash, newRoot);
}
