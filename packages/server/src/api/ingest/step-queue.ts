/** Bounds of a queue: steps under way, and lines in them. */
const MAX_STEPS = 64;
const MAX_LINES = 4_000;

interface Item<Step> {
  readonly step: Promise<Step>;
  readonly lines: number;
}

/** Steps under way, in order: one side adds and waits for room, the other takes each as soon as it is done. */
export class StepQueue<Step> {
  #items: Item<Step>[] = [];
  #lines = 0;
  #ended = false;
  #change = Promise.withResolvers<void>();

  /** Takes a step that never rejects; resolves when there is room for more, with false when nobody takes steps any longer. */
  async add(step: Promise<Step>, lines: number): Promise<boolean> {
    this.#items.push({ step, lines });
    this.#lines += lines;
    this.#wake();
    while (!this.#ended && (this.#items.length >= MAX_STEPS || this.#lines >= MAX_LINES)) await this.#change.promise;
    return !this.#ended;
  }

  /** No more steps will be added, or none will be taken. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The next step in order, undefined after the last. */
  async take(): Promise<Step | undefined> {
    while (this.#items.length === 0 && !this.#ended) await this.#change.promise;
    const [item] = this.#items;
    if (item === undefined) return undefined;
    const step = await item.step;
    this.#items.shift();
    this.#lines -= item.lines;
    this.#wake();
    return step;
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}
