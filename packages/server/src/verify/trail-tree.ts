import {
  asHash,
  emptyRoot,
  HASH_BYTES,
  type Hash,
  hashNode,
  splitHashes,
  TILE_WIDTH,
  TreeBuilder,
} from "@evident/core";

const FIRST_CAPACITY = 256;

/** A growing list of hashes in one piece of memory. */
export class HashList {
  #bytes = new Uint8Array(FIRST_CAPACITY * HASH_BYTES);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(hash: Uint8Array): void {
    const at = this.#count * HASH_BYTES;
    if (at === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(hash, at);
    this.#count += 1;
  }

  at(index: number): Hash {
    return asHash(this.slice(index, index + 1));
  }

  /** Concatenated hashes `[from, to)`; they share this list's memory. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from * HASH_BYTES, Math.min(to, this.#count) * HASH_BYTES);
  }
}

/** Folds each 256 hashes of a tile level into one of the level above. */
export function levelAbove(hashes: HashList): HashList {
  const above = new HashList();
  for (let from = 0; from + TILE_WIDTH <= hashes.count; from += TILE_WIDTH) {
    let row = splitHashes(hashes.slice(from, from + TILE_WIDTH));
    while (row.length > 1) {
      const pairs = row;
      row = [];
      for (let i = 0; i + 1 < pairs.length; i += 2)
        row.push(hashNode(pairs[i] ?? emptyRoot, pairs[i + 1] ?? emptyRoot));
    }
    above.push(row[0] ?? emptyRoot);
  }
  return above;
}

/**
 * The tree over the entries that were found, built in order: whole bundles by their roots, the rest leaf by leaf.
 * Keeps one hash per bundle and the leaves of the bundle that is not whole yet.
 */
export class TrailTree {
  readonly bundles = new HashList();
  #whole = new TreeBuilder();
  #open = new TreeBuilder();
  #openLeaves = new Uint8Array(TILE_WIDTH * HASH_BYTES);

  get size(): number {
    return this.#whole.size + this.#open.size;
  }

  /** Leaf hashes of the bundle that is not whole yet. */
  get openLeaves(): Uint8Array {
    return this.#openLeaves.subarray(0, this.#open.size * HASH_BYTES);
  }

  /** Adds a whole bundle; only at a bundle's border. */
  addBundle(root: Hash): void {
    this.#whole.appendSubtree(root, 8);
    this.bundles.push(root);
  }

  /** Adds one entry. Returns the leaves of the bundle that became whole by it, valid until the next call. */
  addLeaf(leaf: Hash): Uint8Array | undefined {
    this.#openLeaves.set(leaf, this.#open.size * HASH_BYTES);
    this.#open.append(leaf);
    if (this.#open.size < TILE_WIDTH) return undefined;
    this.addBundle(this.#open.root());
    this.#open = new TreeBuilder();
    return this.#openLeaves;
  }

  root(): Hash {
    const { hashes } = this.#whole.frontier();
    return (
      [...hashes, ...(this.#open.size === 0 ? [] : [this.#open.root()])].reduceRight<Hash | undefined>(
        (right, left) => (right === undefined ? left : hashNode(left, right)),
        undefined,
      ) ?? emptyRoot
    );
  }
}
