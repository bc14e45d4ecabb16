import type { FastifyReply, FastifyRequest } from "fastify";

const LINGER_MS = 2_000;

/**
 * For a body that will not be read to its end: what is still coming is taken and thrown away for a moment, so that the client gets its
 * answer instead of a reset connection; then the connection is closed.
 */
export function lingerOverBody({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (raw.complete || raw.destroyed) return;
  const linger = (): void => {
    raw.resume();
    const timer = setTimeout(() => {
      if (!raw.complete) raw.socket.destroy();
    }, LINGER_MS);
    raw.once("close", () => clearTimeout(timer));
  };
  if (reply.raw.writableFinished) linger();
  else reply.raw.once("finish", linger);
}
