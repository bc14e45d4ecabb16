import type { NativeRecord } from "../../adapt/index.ts";

/** The records that have not come out, oldest first, without looking through them. */
export class HeldRecords {
  readonly #queue: (NativeRecord | undefined)[] = [];
  readonly #places = new Map<NativeRecord, number>();
  #first = 0;
  /** Place of the queue's first member in the whole input. */
  #base = 0;

  /** Records are held in the order in which they came. */
  hold(record: NativeRecord): void {
    if (this.#places.has(record)) return;
    this.#places.set(record, this.#base + this.#queue.length);
    this.#queue.push(record);
  }

  release(record: NativeRecord): void {
    const place = this.#places.get(record);
    if (place === undefined) return;
    this.#places.delete(record);
    this.#queue[place - this.#base] = undefined;
    while (this.#first < this.#queue.length && this.#queue[this.#first] === undefined) this.#first += 1;
    if (this.#first < 1_024 || this.#first * 2 < this.#queue.length) return;
    this.#queue.splice(0, this.#first);
    this.#base += this.#first;
    this.#first = 0;
  }

  oldest(): NativeRecord | undefined {
    return this.#queue[this.#first];
  }

  get count(): number {
    return this.#places.size;
  }
}
