import { EvidentError } from "../errors/index.ts";
import { emptyRoot, type Hash, hashNode } from "./hash.ts";

/** The right edge of a tree: roots of its maximal complete subtrees, largest first, one per one-bit of `size`. */
export interface Frontier {
  readonly size: number;
  readonly hashes: readonly Hash[];
}

/** The right edge of the empty tree. */
export const emptyFrontier: Frontier = { size: 0, hashes: [] };

function countOnes(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}

/**
 * A growing tree (RFC 6962 §2.1) of which only the right edge is kept: one node hash per appended leaf on average.
 * Sizes up to 2^53 - 1.
 */
export class TreeBuilder {
  #size: number;
  readonly #stack: Hash[];

  /** Continues from a right edge, or from nothing. @throws EvidentError `bad_encoding` when hashes and size do not fit */
  constructor(frontier: Frontier = emptyFrontier) {
    if (
      !Number.isSafeInteger(frontier.size) ||
      frontier.size < 0 ||
      countOnes(frontier.size) !== frontier.hashes.length
    ) {
      throw new EvidentError(
        "bad_encoding",
        `a tree of ${frontier.size} has no right edge of ${frontier.hashes.length}`,
      );
    }
    this.#size = frontier.size;
    this.#stack = [...frontier.hashes];
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Hash): void {
    this.#push(leaf, this.#size);
    this.#size += 1;
  }

  /**
   * Appends a complete subtree of 2^height leaves by its root.
   *
   * @throws EvidentError `bad_encoding` when the size is not a multiple of 2^height
   */
  appendSubtree(root: Hash, height: number): void {
    const width = 2 ** height;
    if (this.#size % width !== 0) {
      throw new EvidentError("bad_encoding", `a subtree of ${width} leaves cannot start at ${this.#size}`);
    }
    this.#push(root, this.#size / width);
    this.#size += width;
  }

  /** Root over all that was appended; costs one node hash per one-bit of the size. */
  root(): Hash {
    return foldRight(this.#stack) ?? emptyRoot;
  }

  /** The right edge, copied. */
  frontier(): Frontier {
    return { size: this.#size, hashes: [...this.#stack] };
  }

  #push(root: Hash, position: number): void {
    let hash = root;
    for (let rest = position; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#stack.pop();
      if (left !== undefined) hash = hashNode(left, hash);
    }
    this.#stack.push(hash);
  }
}

/** Root over neighbouring subtrees, each larger than the next; undefined for none. */
export function foldRight(hashes: readonly Hash[]): Hash | undefined {
  let root: Hash | undefined;
  for (let i = hashes.length - 1; i >= 0; i -= 1) {
    const left = hashes[i];
    if (left !== undefined) root = root === undefined ? left : hashNode(left, root);
  }
  return root;
}

/** The right edge after appending leaves. @throws EvidentError `bad_encoding` for a frontier that does not fit its size */
export function extendFrontier(frontier: Frontier, leafHashes: readonly Hash[]): Frontier {
  const builder = new TreeBuilder(frontier);
  for (const leaf of leafHashes) builder.append(leaf);
  return builder.frontier();
}

/** Root of the tree with this right edge. */
export function frontierRoot(frontier: Frontier): Hash {
  return foldRight(frontier.hashes) ?? emptyRoot;
}

/**
 * Roots of the maximal aligned complete subtrees over the leaves `[first, first + leafHashes.length)`, left to right.
 * From 0 on this is a right edge.
 */
export function compactRange(first: number, leafHashes: readonly Hash[]): Hash[] {
  const roots: Hash[] = [];
  let at = 0;
  while (at < leafHashes.length) {
    let width = 1;
    while ((first + at) % (width * 2) === 0 && at + width * 2 <= leafHashes.length) width *= 2;
    let row = leafHashes.slice(at, at + width);
    while (row.length > 1) row = pairUp(row);
    roots.push(...row);
    at += width;
  }
  return roots;
}

function pairUp(row: readonly Hash[]): Hash[] {
  const parents: Hash[] = [];
  for (let i = 0; i + 1 < row.length; i += 2) {
    const [left, right] = [row[i], row[i + 1]];
    if (left !== undefined && right !== undefined) parents.push(hashNode(left, right));
  }
  return parents;
}
