import { EvidentError } from "@evident/core";

/** Codes of failures after which only a restart knows what the disk holds. */
const final: ReadonlySet<string> = new Set(["storage_failed", "corrupt_store", "rolled_back"]);
/** Codes of failures that pass by themselves: what met them is tried again later. */
const passing: ReadonlySet<string> = new Set(["storage_full", "overloaded"]);

/** True when the same work may succeed later without a restart. */
export function passes(cause: unknown): boolean {
  return cause instanceof EvidentError && passing.has(cause.code);
}

/** True when only a restart can tell what was done. */
export function isFinal(cause: unknown): boolean {
  return !(cause instanceof EvidentError) || final.has(cause.code);
}

/**
 * Whether the ledger has failed for good, and why: shared by everything that writes, so that nothing is written, and no clean stop
 * stated, after a step that may or may not have reached the disk.
 */
export class LedgerFailure {
  readonly #failed = Promise.withResolvers<Error>();
  #cause: Error | undefined;

  /** Resolves with the first failure. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  get cause(): Error | undefined {
    return this.#cause;
  }

  fail(cause: unknown): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause instanceof Error ? cause : new Error(String(cause));
    this.#failed.resolve(this.#cause);
  }

  /** @throws EvidentError `storage_failed` once the ledger has failed */
  check(): void {
    if (this.#cause !== undefined)
      throw new EvidentError("storage_failed", this.#cause.message, { cause: this.#cause });
  }

  /** Runs a step that writes; a failure that only a restart heals ends the ledger. */
  async guard<Value>(step: () => Promise<Value>): Promise<Value> {
    this.check();
    try {
      return await step();
    } catch (cause) {
      if (isFinal(cause)) this.fail(cause);
      throw cause;
    }
  }
}
