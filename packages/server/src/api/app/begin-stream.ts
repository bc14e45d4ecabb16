import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";

/** Takes an answer out of the framework's hands to stream it; the headers that hold for every answer go with it. */
export function beginStream(reply: FastifyReply, headers: Readonly<Record<string, string>>): ServerResponse {
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.hijack();
  reply.raw.writeHead(200, headers);
  return reply.raw;
}
