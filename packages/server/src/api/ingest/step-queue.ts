/** Bounds of a queue: steps under way, and lines and bytes in them. */
const MAX_STEPS = 64;
const MAX_LINES = 4_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** What a step under way holds in memory. */
export interface StepSize {
  readonly lines: number;
  readonly bytes: number;
}

interface Item<Step> {
  readonly step: Promise<Step>;
  readonly size: StepSize;
}

/** Steps under way, in order: one side adds and waits for room, the other takes each as soon as it is done. */
export class StepQueue<Step> {
  #items: Item<Step>[] = [];
  #lines = 0;
  #bytes = 0;
  #ended = false;
  #change = Promise.withResolvers<void>();

  /** Takes a step that never rejects; resolves when there is room for more, with false when nobody takes steps any longer. */
  async add(step: Promise<Step>, size: StepSize): Promise<boolean> {
    this.#items.push({ step, size });
    this.#lines += size.lines;
    this.#bytes += size.bytes;
    this.#wake();
    while (!this.#ended && this.#isFull()) await this.#change.promise;
    return !this.#ended;
  }

  /** No more steps will be added, or none will be taken. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** The next step in order, undefined after the last. */
  async take(): Promise<Step | undefined> {
    while (this.#items.length === 0 && !this.#ended) await this.#change.promise;
    const [item] = this.#items;
    if (item === undefined) return undefined;
    const step = await item.step;
    this.#items.shift();
    this.#lines -= item.size.lines;
    this.#bytes -= item.size.bytes;
    this.#wake();
    return step;
  }

  #isFull(): boolean {
    return this.#items.length >= MAX_STEPS || this.#lines >= MAX_LINES || this.#bytes >= MAX_BYTES;
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}
