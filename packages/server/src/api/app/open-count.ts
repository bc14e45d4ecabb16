/** Counts what is under way: requests whose work goes on after their connection has closed. */
export class OpenCount {
  readonly #onChange: (open: number) => void;
  #open = 0;
  #idle = Promise.withResolvers<void>();

  /** `onChange` hears every new count. */
  constructor(onChange: (open: number) => void) {
    this.#onChange = onChange;
    this.#idle.resolve();
  }

  get open(): number {
    return this.#open;
  }

  /** Resolves when nothing is under way. */
  get idle(): Promise<void> {
    return this.#idle.promise;
  }

  /** Counts one more; the returned function counts it off, once. */
  enter(): () => void {
    if (this.#open === 0) this.#idle = Promise.withResolvers<void>();
    this.#change(1);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#change(-1);
      if (this.#open === 0) this.#idle.resolve();
    };
  }

  #change(by: number): void {
    this.#open += by;
    this.#onChange(this.#open);
  }
}
