import type { FastifyReply } from "fastify";
import { RetryError } from "../problems/index.ts";

const LARGE_BYTES = 64 * 1024;
const MAX_UNREAD_BYTES = 256 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 2;

/**
 * Bytes of large answers that their clients have not taken yet. A page of a search may have 16 MiB, and a client that does not read
 * leaves it in our memory until its connection times out: beyond a bound others wait.
 */
export class UnreadAnswers {
  #bytes = 0;

  /** @throws EvidentError `overloaded` while too much is unread */
  check(): void {
    if (this.#bytes < MAX_UNREAD_BYTES) return;
    throw new RetryError(`${this.#bytes} bytes of answers wait for clients that do not read them`, RETRY_AFTER_SECONDS);
  }

  /** Counts an answer until it is taken or its client has gone. */
  add(reply: FastifyReply, payload: unknown): void {
    const bytes = typeof payload === "string" || payload instanceof Uint8Array ? payload.length : 0;
    if (bytes < LARGE_BYTES || reply.raw.destroyed) return;
    this.#bytes += bytes;
    reply.raw.once("close", () => {
      this.#bytes -= bytes;
    });
  }
}
