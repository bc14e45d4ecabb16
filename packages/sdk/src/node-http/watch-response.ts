import type { IncomingMessage, ServerResponse } from "node:http";
import type { Peer } from "../http/index.ts";

/** Calls `done` once, when an answer is complete or its client has gone away before that. */
export function watchResponse(response: ServerResponse, done: (isAborted: boolean) => void): void {
  let isDone = false;
  const end = (): void => {
    if (isDone) return;
    isDone = true;
    response.off("finish", end);
    response.off("close", end);
    done(!response.writableFinished);
  };
  response.on("finish", end);
  response.on("close", end);
}

/** A header as one text, as Node joins it; `X-Forwarded-For` that comes twice is one chain. */
export function headerOf({ headers }: Pick<IncomingMessage, "headers">, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** The network peer. Read when the request comes: a socket that is closed has forgotten it. */
export function peerOf({ socket }: Pick<IncomingMessage, "socket">): Peer {
  return { ip: socket.remoteAddress, port: socket.remotePort };
}
