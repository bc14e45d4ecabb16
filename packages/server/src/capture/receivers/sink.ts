import type { BodyLine } from "../body-line.ts";

/** Who a receiver speaks for, as its configuration says. */
export interface Sender {
  /** Label in the metrics. */
  readonly receiver: "syslog" | "s3";
  /** Stands where a record in quarantine names the API key it came with: `syslog tcp://127.0.0.1:5514`, `s3 bucket/prefix`. */
  readonly name: string;
  readonly trail: string;
  readonly tenant: string;
  readonly source: string;
}

/** What records came to. */
export interface Stored {
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
}

/** Where receivers put what they read. Implemented over check and ledger. */
export interface Sink {
  /**
   * Stores submissions in order; resolves when they are durable, as events or in quarantine. Waits as long as the disk is behind or full.
   *
   * @throws EvidentError `not_ready` when the signal aborts or the ledger stops before that: nothing is known to be stored;
   *   `storage_failed`
   */
  store(lines: readonly BodyLine[], sender: Sender, signal: AbortSignal): Promise<Stored>;
  /** Records that are no accesses. */
  noteSkipped(sender: Sender, lines: number): void;
}

/** What receivers tell the metrics. */
export interface ReceiverEvents {
  bytes(receiver: Sender["receiver"], sizeBytes: number): void;
  /** One connection more, or one less. */
  connections(receiver: Sender["receiver"], change: 1 | -1): void;
  /** What is known to be lost. */
  lost(receiver: Sender["receiver"], why: string, count: number): void;
  object(status: "done" | "failed" | "retried"): void;
}
