import { MemoryTable } from "./memory-table.ts";

const FIRST_BITS = 12;
const MOST_BITS = 20;

/** Records that are only in memory and wait for one run together. */
export interface FrozenRecords {
  readonly tables: readonly MemoryTable[];
  readonly count: number;
  /** Set when writing them failed; the next flush takes them along. */
  failed: boolean;
}

/**
 * Identities that no run holds. Tables do not grow: a full one gets a successor, so that no add waits for a table to be copied.
 * Freezing takes what there is for writing; it can still be found until it is `forget`-ed.
 */
export class NewestIdentities {
  #active: MemoryTable[] = [];
  #frozen: FrozenRecords[] = [];
  /** All tables, newest first. */
  #tables: readonly MemoryTable[] = [];
  #firstBits = FIRST_BITS;

  get count(): number {
    return this.#tables.reduce((sum, table) => sum + table.count, 0);
  }

  /** Records that no flush is writing. */
  get unflushed(): number {
    const failed = this.#frozen.reduce((sum, each) => sum + (each.failed ? each.count : 0), 0);
    return this.#active.reduce((sum, table) => sum + table.count, failed);
  }

  get memoryBytes(): number {
    return this.#tables.reduce((sum, table) => sum + table.memoryBytes, 0);
  }

  /** The table and position of a key; -1 when it is in none. */
  find(key: Uint32Array): { readonly words: Uint32Array; readonly at: number } | undefined {
    for (const table of this.#tables) {
      const at = table.find(key);
      if (at >= 0) return { words: table.words, at };
    }
    return undefined;
  }

  add(record: Uint32Array): void {
    while (this.#active[0]?.add(record) !== true) {
      const bits = Math.min(MOST_BITS, this.#firstBits + 2 * this.#active.length);
      this.#active.unshift(new MemoryTable(bits));
      this.#list();
    }
  }

  freeze(): FrozenRecords {
    const tables = this.#active;
    const count = tables.reduce((sum, table) => sum + table.count, 0);
    const frozen: FrozenRecords = { tables, count, failed: false };
    this.#active = [];
    this.#frozen.push(frozen);
    // The next round is likely to be as long as this one: one table for it at half load.
    this.#firstBits = Math.min(MOST_BITS, Math.max(FIRST_BITS, Math.ceil(Math.log2(count * 2 + 1))));
    this.#list();
    return frozen;
  }

  /** These frozen records and all that were frozen before them and are not in a run. */
  frozenUpTo(last: FrozenRecords): readonly FrozenRecords[] {
    return this.#frozen.slice(0, this.#frozen.indexOf(last) + 1);
  }

  /** They are in a run now. */
  forget(written: readonly FrozenRecords[]): void {
    this.#frozen = this.#frozen.filter((each) => !written.includes(each));
    this.#list();
  }

  #list(): void {
    this.#tables = [...this.#active, ...this.#frozen.toReversed().flatMap(({ tables }) => tables)];
  }
}
