import { EvidentError } from "@evident/core";
import type { BodyLine } from "../body-line.ts";
import type { ReceiverLog } from "./receiver-log.ts";
import type { Sender, Sink } from "./sink.ts";

/** Lines that are stored together. */
const BATCH_LINES = 1_000;
const BATCH_BYTES = 1024 * 1024;
/** Bytes that may wait before senders are held back, and under which they go on. */
const HIGH_BYTES = 4 * 1024 * 1024;
const LOW_BYTES = 1024 * 1024;

/** Submissions of one receiver on their way to the sink, in order. What waits while some are being stored is stored together next. */
export class Delivery {
  readonly #sink: Sink;
  readonly #sender: Sender;
  readonly #log: ReceiverLog;
  readonly #abort = new AbortController();
  #waiting: string[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #change = Promise.withResolvers<void>();

  constructor(sink: Sink, sender: Sender, log: ReceiverLog) {
    this.#sink = sink;
    this.#sender = sender;
    this.#log = log;
  }

  get isFull(): boolean {
    return this.#waitingBytes >= HIGH_BYTES;
  }

  /** Nothing is taken once storing has failed: the process is about to end. */
  add(submissions: readonly string[]): void {
    if (this.#abort.signal.aborted) return;
    for (const text of submissions) {
      this.#waiting.push(text);
      this.#waitingBytes += text.length;
    }
    if (this.#waiting.length > 0) this.#running ??= this.#run();
  }

  /** Resolves when enough has been stored for senders to go on, or nothing will be stored any more. */
  async room(): Promise<void> {
    while (this.#waitingBytes > LOW_BYTES && !this.#abort.signal.aborted) await this.#change.promise;
  }

  /** Stores what waits, for at most so long; resolves with the number of submissions that were given up. */
  async finish(withinMs: number): Promise<number> {
    const timer = setTimeout(() => this.#abort.abort(), withinMs);
    await this.#running;
    clearTimeout(timer);
    this.#abort.abort();
    return this.#waiting.length;
  }

  async #run(): Promise<void> {
    // What arrives in this turn of the event loop is stored together.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#abort.signal.aborted) {
      const lines = this.#nextBatch();
      try {
        await this.#sink.store(lines, this.#sender, this.#abort.signal);
      } catch (cause) {
        this.#fail(cause);
        return;
      }
      this.#waiting.splice(0, lines.length);
      for (const line of lines) this.#waitingBytes -= line.kind === "text" ? line.text.length : 0;
      this.#wake();
    }
    this.#running = undefined;
  }

  #nextBatch(): readonly BodyLine[] {
    const lines: BodyLine[] = [];
    let sizeBytes = 0;
    for (const text of this.#waiting) {
      if (lines.length >= BATCH_LINES || sizeBytes >= BATCH_BYTES) break;
      lines.push({ kind: "text", line: lines.length + 1, text });
      sizeBytes += text.length;
    }
    return lines;
  }

  /** The ledger has failed or stops: nothing more can be stored by this process. */
  #fail(cause: unknown): void {
    this.#abort.abort();
    this.#wake();
    const isStopping = cause instanceof EvidentError && cause.code === "not_ready";
    const facts = { receiver: this.#sender.name, unstored: this.#waiting.length };
    if (isStopping) this.#log.warn(facts, "stopped before everything was stored");
    else this.#log.error({ ...facts, err: cause }, "nothing can be stored");
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}
