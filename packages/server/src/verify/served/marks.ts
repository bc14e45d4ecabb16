import { emptyRoot, type Hash, TILE_WIDTH } from "@evident/core";

const NONE: readonly number[] = [];

/** Sizes below that of a tree at which its root is wanted, found while its entries are hashed in order. */
export class Marks {
  /** Roots that were found. */
  readonly roots = new Map<number, Hash>();
  readonly #borders = new Set<number>();
  readonly #within = new Map<number, number[]>();

  constructor(sizes: Iterable<number>, treeSize: number) {
    for (const size of [...new Set(sizes)].sort((a, b) => a - b)) {
      if (size >= treeSize) break;
      if (size === 0) this.roots.set(0, emptyRoot);
      else if (size % TILE_WIDTH === 0) this.#borders.add(size);
      else {
        const n = Math.floor(size / TILE_WIDTH);
        this.#within.set(n, [...(this.#within.get(n) ?? []), size % TILE_WIDTH]);
      }
    }
  }

  /** Whether a root is wanted at the end of a bundle. */
  has(size: number): boolean {
    return this.#borders.has(size);
  }

  /** Numbers of entries within a bundle at which a root is wanted. */
  within(n: number): readonly number[] {
    return this.#within.get(n) ?? NONE;
  }

  set(size: number, root: Hash): void {
    this.roots.set(size, root);
  }
}
