import { hashLeaf, TreeBuilder, toHex } from "@evident/core";
import type { Ledger } from "@evident/server";
import { eventIdOf } from "./make-draft.ts";

/** A head that someone has seen signed. */
export interface SeenHead {
  readonly trail: string;
  readonly size: number;
  /** Hex. */
  readonly root: string;
}

/** An entry that the ledger said is durable. */
export interface SeenEntry {
  readonly trail: string;
  readonly id: string;
  readonly index: number;
}

/** What the outside knows of a store: acknowledgements and signed heads. */
export interface Seen {
  readonly acknowledged: readonly SeenEntry[];
  readonly heads: readonly SeenHead[];
}

/**
 * Compares a recovered ledger with what the outside has seen, from its stored bytes alone, and returns every broken promise in words:
 * an acknowledged entry that is missing, moved or doubled; a head whose root the entries do not give; a head that moved back.
 */
export async function findBrokenPromises(ledger: Ledger, seen: Seen): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const trail of new Set([...seen.acknowledged, ...seen.heads].map((each) => each.trail))) {
    const info = ledger.trail(trail);
    if (info === undefined) {
      broken.push(`trail ${trail} is gone`);
      continue;
    }
    const heads = new Map<number, string>();
    for (const head of seen.heads) {
      if (head.trail !== trail) continue;
      const other = heads.get(head.size);
      if (other !== undefined && other !== head.root)
        broken.push(`${trail}: two roots were signed for size ${head.size}`);
      heads.set(head.size, head.root);
      if (head.size > info.publishedSize)
        broken.push(`${trail}: the head moved back from ${head.size} to ${info.publishedSize}`);
    }
    const places = new Map<string, number>();
    const tree = new TreeBuilder();
    for await (const { first, entries } of ledger.entries(trail, 0, info.size)) {
      for (const [i, line] of entries.entries()) {
        const id = eventIdOf(line);
        if (id !== undefined && places.has(id))
          broken.push(`${trail}: ${id} is stored at ${places.get(id)} and ${first + i}`);
        if (id !== undefined) places.set(id, first + i);
        tree.append(hashLeaf(line));
        const root = heads.get(first + i + 1);
        if (root !== undefined && root !== toHex(tree.root()))
          broken.push(`${trail}: another root at size ${first + i + 1}`);
      }
    }
    for (const { trail: at, id, index } of seen.acknowledged) {
      if (at !== trail || places.get(id) === index) continue;
      broken.push(`${trail}: ${id} was acknowledged at ${index}, found at ${places.get(id) ?? "no index"}`);
    }
  }
  return broken;
}
