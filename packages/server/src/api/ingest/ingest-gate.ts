import { EvidentError } from "@evident/core";
import type { Ledger } from "../../ledger/index.ts";
import { OpenCount } from "../app/index.ts";
import type { ApiMetrics } from "../metrics/index.ts";
import { RetryError } from "../problems/index.ts";

const WAIT_STEP_MS = 20;

/** Decides before a body is read whether it can be taken, and counts those being read. */
export class IngestGate {
  readonly #ledger: Ledger;
  readonly #metrics: ApiMetrics;
  readonly #max: number;
  readonly #count: OpenCount;

  constructor(ledger: Ledger, metrics: ApiMetrics, max: number) {
    this.#ledger = ledger;
    this.#metrics = metrics;
    this.#max = max;
    this.#count = new OpenCount((open) => metrics.openIngests.set(open));
  }

  /**
   * Takes one body; the returned function gives its place back.
   *
   * @throws EvidentError `overloaded` (Retry-After says when), `storage_full`
   */
  enter(): () => void {
    const pressure = this.#ledger.pressure();
    if (pressure.kind === "full") this.#refuse("full", new EvidentError("storage_full", "the disk is full"));
    if (pressure.kind === "busy") {
      const { pendingBytes, retryAfterSeconds } = pressure;
      this.#refuse("busy", new RetryError(`${pendingBytes} bytes wait for the disk`, retryAfterSeconds));
    }
    const { open } = this.#count;
    if (open >= this.#max)
      this.#refuse("concurrent", new EvidentError("overloaded", `${open} bodies are being read already`));
    return this.#count.enter();
  }

  /** Waits while the disk is behind: the client is then held back by TCP instead of filling our memory. */
  async waitForRoom(waitMs: number, isWanted: () => boolean): Promise<void> {
    const until = performance.now() + waitMs;
    while (this.#ledger.pressure().kind === "busy" && performance.now() < until && isWanted()) {
      await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
    }
  }

  /** Resolves when no body is being read. */
  get idle(): Promise<void> {
    return this.#count.idle;
  }

  #refuse(why: string, error: EvidentError): never {
    this.#metrics.refusedIngests.inc({ why });
    throw error;
  }
}
