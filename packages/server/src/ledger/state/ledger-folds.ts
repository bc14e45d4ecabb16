import type { CommittedBatch, Fold } from "../types.ts";
import { applyEntry, type FoldSource, type FoldStore } from "./fold-store.ts";

/** One open fold; `seen` counts the entries of `evident` that its state holds. */
interface LiveFold {
  seen: number;
  apply(batch: CommittedBatch): void;
  save(head: { readonly size: number; readonly root: Uint8Array }): Promise<void>;
}

/** Folds that follow the trail `evident` in the turn in which its entries become durable. */
export class LedgerFolds {
  readonly #store: FoldStore;
  readonly #source: () => FoldSource;
  readonly #live = new Map<string, LiveFold>();

  constructor(store: FoldStore, source: () => FoldSource) {
    this.#store = store;
    this.#source = source;
  }

  async open<State>(fold: Fold<State>): Promise<{ state(): State }> {
    let source = this.#source();
    let { state } = await this.#store.load(fold, source);
    let seen = source.size;
    // What was committed while loading; the last look finds nothing new and goes live in the same turn.
    for (source = this.#source(); source.size > seen; source = this.#source()) {
      for await (const { first, entries } of source.entries(seen, source.size)) {
        for (const [i, line] of entries.entries()) state = applyEntry(fold, state, line, first + i);
      }
      seen = source.size;
    }
    const store = this.#store;
    const live: LiveFold = {
      seen,
      apply(batch) {
        for (const [i, line] of batch.entries.entries()) {
          const index = batch.first + i;
          if (index < live.seen) continue;
          state = applyEntry(fold, state, line, index);
          live.seen = index + 1;
        }
      },
      save: (head) => store.save(fold, state, head),
    };
    this.#live.set(fold.name, live);
    return { state: () => state };
  }

  apply(batch: CommittedBatch): void {
    for (const live of this.#live.values()) live.apply(batch);
  }

  /** Writes snapshots of the folds that stand exactly at the published head. */
  async save(head: { readonly size: number; readonly root: Uint8Array }): Promise<void> {
    for (const live of this.#live.values()) if (live.seen === head.size) await live.save(head);
  }
}
