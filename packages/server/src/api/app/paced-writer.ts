import type { ServerResponse } from "node:http";

const CHECK_MS = 1_000;

/** Why a writer stopped. */
export type WriterEnd = "gone" | "stalled";

/** Bounds of one streamed answer. */
export interface Pace {
  /** Bytes that may wait in memory for a client that reads slowly. */
  readonly maxBufferedBytes: number;
  /** A client that takes nothing for this long is dropped. */
  readonly stallMs: number;
}

/**
 * Writes a streamed answer no faster than its reader takes it: `write` waits while too much is buffered, and drops a client that has
 * stopped reading, so that memory per client is bounded. One writer at a time.
 */
export class PacedWriter {
  readonly #response: ServerResponse;
  readonly #pace: Pace;
  readonly #ended = Promise.withResolvers<WriterEnd>();
  #end: WriterEnd | undefined;
  #wake: () => void = () => undefined;

  constructor(response: ServerResponse, pace: Pace) {
    this.#response = response;
    this.#pace = pace;
    response.once("close", () => this.#stop("gone"));
    response.on("error", () => this.#stop("gone"));
    response.on("drain", () => this.#wake());
    if (response.destroyed) this.#stop("gone");
  }

  /** Resolves when nobody reads any more. */
  get ended(): Promise<WriterEnd> {
    return this.#ended.promise;
  }

  get end(): WriterEnd | undefined {
    return this.#end;
  }

  /** Resolves with true when the chunk was taken, false when nobody reads any more. */
  async write(chunk: string | Uint8Array): Promise<boolean> {
    if (this.#end !== undefined) return false;
    this.#response.write(chunk);
    if (this.#response.writableLength > this.#pace.maxBufferedBytes) await this.#drained();
    return this.#end === undefined;
  }

  async #drained(): Promise<void> {
    const stepMs = Math.min(CHECK_MS, this.#pace.stallMs);
    let waiting = this.#response.writableLength;
    let stillMs = 0;
    const timer = setInterval(() => {
      const now = this.#response.writableLength;
      stillMs = now < waiting ? 0 : stillMs + stepMs;
      waiting = now;
      if (stillMs >= this.#pace.stallMs) this.#stop("stalled");
      this.#wake();
    }, stepMs);
    while (this.#end === undefined && this.#response.writableLength > this.#pace.maxBufferedBytes / 2) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearInterval(timer);
  }

  #stop(end: WriterEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#ended.resolve(end);
    this.#wake();
    if (end === "stalled") this.#response.destroy();
  }
}
