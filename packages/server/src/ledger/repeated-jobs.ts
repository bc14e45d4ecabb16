import { type LedgerFailure, passes } from "./ledger-failure.ts";

/** Jobs that are done again and again, none beside itself. What passes, as a full disk does, is met again the next time. */
export class RepeatedJobs {
  readonly #failure: LedgerFailure;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(failure: LedgerFailure) {
    this.#failure = failure;
  }

  every(intervalMs: number, job: () => Promise<void>): void {
    let isRunning = false;
    const timer = setInterval(() => {
      if (isRunning || this.#failure.cause !== undefined) return;
      isRunning = true;
      const running = this.#run(job).finally(() => {
        isRunning = false;
        this.#running.delete(running);
      });
      this.#running.add(running);
    }, intervalMs);
    timer.unref();
    this.#timers.push(timer);
  }

  /** No job begins after this; those under way are finished. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#running);
  }

  async #run(job: () => Promise<void>): Promise<void> {
    try {
      await job();
    } catch (cause) {
      if (!passes(cause)) this.#failure.fail(cause);
    }
  }
}
