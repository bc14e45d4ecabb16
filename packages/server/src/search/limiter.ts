import { EvidentError } from "@evident/core";

/** Runs at most some tasks at a time, lets some more wait, and refuses the rest. */
export class Limiter {
  private readonly atOnce: number;
  private readonly mostWaiting: number;
  private running = 0;
  private readonly waiting = new Set<() => void>();

  constructor(atOnce: number, mostWaiting: number) {
    this.atOnce = atOnce;
    this.mostWaiting = mostWaiting;
  }

  /** @throws EvidentError `overloaded` when too many wait; the signal's reason when it aborts while waiting */
  async run<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted();
    if (this.running >= this.atOnce) await this.wait(signal);
    else this.running++;
    try {
      return await task();
    } finally {
      // Whoever waits takes over the place.
      const [first] = this.waiting;
      if (first === undefined) this.running--;
      else first();
    }
  }

  private wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.waiting.size >= this.mostWaiting) {
      throw new EvidentError("overloaded", `${this.running} searches run and ${this.waiting.size} wait`);
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiting.delete(start);
        signal?.removeEventListener("abort", abort);
      };
      const start = (): void => {
        leave();
        resolve();
      };
      const abort = (): void => {
        leave();
        reject(signal?.reason as Error);
      };
      this.waiting.add(start);
      signal?.addEventListener("abort", abort);
    });
  }
}
