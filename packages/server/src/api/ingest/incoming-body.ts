import type { IncomingMessage } from "node:http";
import { EvidentError } from "@evident/core";

const CHECK_MS = 1_000;

/** How fast a body has to come. */
export interface BodyPace {
  /** Time without `minBytes` more bytes after which a body is given up, in milliseconds. */
  readonly idleMs: number;
  readonly minBytes: number;
}

/**
 * The bytes of a request's body as they arrive. Ends with `too_slow` when the client stops sending while we wait, and with
 * `bad_request` when it goes away: the reader keeps the lines before that.
 */
export class IncomingBody {
  readonly #request: IncomingMessage;
  readonly #pace: BodyPace;
  /** Bytes received so far, as sent (before decompression). */
  sizeBytes = 0;
  #isWaiting = false;
  #isStopped = false;
  #failure: EvidentError | undefined;
  #wake: () => void = () => undefined;

  constructor(request: IncomingMessage, pace: BodyPace) {
    this.#request = request;
    this.#pace = pace;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const request = this.#request;
    const wake = (): void => this.#wake();
    const events = ["readable", "end", "close", "error"] as const;
    for (const event of events) request.on(event, wake);
    const timer = this.#watch();
    try {
      while (!this.#isStopped) {
        const chunk = request.read() as Buffer | null;
        if (chunk !== null) {
          this.sizeBytes += chunk.length;
          yield chunk;
          continue;
        }
        if (request.readableEnded) return;
        if (request.destroyed) throw this.#gone(request.errored);
        if (this.#failure !== undefined) throw this.#failure;
        await this.#change();
      }
    } finally {
      clearInterval(timer);
      for (const event of events) request.off(event, wake);
    }
  }

  /** Nobody wants more: what waits for the client ends now. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  /** One promise a time: a race against one that lives as long as the body would gather a reaction for each chunk. */
  async #change(): Promise<void> {
    this.#isWaiting = true;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#isWaiting = false;
  }

  /** Counts only time in which we wait for the client, not time in which the client waits for us. */
  #watch(): NodeJS.Timeout {
    let stillMs = 0;
    let atStart = this.sizeBytes;
    const stepMs = Math.min(CHECK_MS, this.#pace.idleMs);
    return setInterval(() => {
      if (this.sizeBytes - atStart >= this.#pace.minBytes) {
        stillMs = 0;
        atStart = this.sizeBytes;
      } else if (this.#isWaiting) stillMs += stepMs;
      if (stillMs < this.#pace.idleMs) return;
      this.#failure ??= this.#tooSlow();
      this.#wake();
    }, stepMs);
  }

  #tooSlow(): EvidentError {
    const seconds = this.#pace.idleMs / 1_000;
    return new EvidentError("too_slow", `less than ${this.#pace.minBytes} bytes of the body came in ${seconds} s`);
  }

  #gone(cause: Error | null): EvidentError {
    return new EvidentError("bad_request", "the connection ended before the body did", {
      cause,
      fix: "Send again what has no verdict.",
    });
  }
}
