/** Lets callers wait until something has become true. */
export class ProgressSignal {
  readonly #checks = new Set<() => void>();

  /** Something changed. */
  notify(): void {
    for (const check of this.#checks) check();
  }

  /**
   * Resolves when `isDone` holds, or after `timeoutMs`, with whether it does. Its timer keeps the process alive, unlike the others of the
   * SDK: somebody waits for it.
   */
  until(isDone: () => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#checks.delete(check);
        resolve(isDone());
      };
      const check = (): void => {
        if (isDone()) end();
      };
      const timer = setTimeout(end, timeoutMs);
      this.#checks.add(check);
      check();
    });
  }
}
