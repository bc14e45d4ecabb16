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
  #waiting = false;

  constructor(request: IncomingMessage, pace: BodyPace) {
    this.#request = request;
    this.#pace = pace;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const iterator: AsyncIterator<Buffer> = this.#request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
    const slow = Promise.withResolvers<never>();
    slow.promise.catch(() => undefined);
    const stop = this.#watch(() => slow.reject(this.#tooSlow()));
    try {
      for (;;) {
        this.#waiting = true;
        const next = await Promise.race([iterator.next(), slow.promise]);
        this.#waiting = false;
        if (next.done === true) return;
        this.sizeBytes += next.value.length;
        yield next.value;
      }
    } catch (cause) {
      if (cause instanceof EvidentError) throw cause;
      throw new EvidentError("bad_request", "the connection ended before the body did", {
        cause,
        fix: "Send again what has no verdict.",
      });
    } finally {
      stop();
    }
  }

  /** Counts only time in which we wait for the client, not time in which the client waits for us. */
  #watch(onSlow: () => void): () => void {
    let stillMs = 0;
    let atStart = this.sizeBytes;
    const stepMs = Math.min(CHECK_MS, this.#pace.idleMs);
    const timer = setInterval(() => {
      if (this.sizeBytes - atStart >= this.#pace.minBytes) {
        stillMs = 0;
        atStart = this.sizeBytes;
      } else if (this.#waiting) stillMs += stepMs;
      if (stillMs >= this.#pace.idleMs) onSlow();
    }, stepMs);
    return () => clearInterval(timer);
  }

  #tooSlow(): EvidentError {
    const seconds = this.#pace.idleMs / 1_000;
    return new EvidentError("too_slow", `less than ${this.#pace.minBytes} bytes of the body came in ${seconds} s`);
  }
}
