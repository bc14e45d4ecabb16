import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request came with, and how to answer it. */
export interface Exchange {
  readonly headers: IncomingMessage["headers"];
  readonly url: string;
  readonly lines: readonly string[];
  readonly response: ServerResponse;
  /** The verdict of a line as the server gives it. */
  readonly verdict: (place: number, status?: string) => string;
}

/** A server that answers as it is told: the faults that a real one shows only when something is broken. */
export interface FaultyServer {
  readonly url: string;
  /** Every request so far. */
  readonly exchanges: readonly Exchange[];
  close(): Promise<void>;
}

/** Starts one; `answer` is called once the body of a request has been read. */
export async function startFaultyServer(answer: (exchange: Exchange, count: number) => void): Promise<FaultyServer> {
  const exchanges: Exchange[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const lines = Buffer.concat(parts).toString().split("\n").slice(0, -1);
      const verdict = (place: number, status = "stored"): string => {
        const id = /"id":"([^"]+)"/.exec(lines[place] ?? "")?.[1];
        return `${JSON.stringify({ line: place + 1, id, trail: "main", index: place, status })}\n`;
      };
      const exchange = { headers: request.headers, url: request.url ?? "", lines, response, verdict };
      exchanges.push(exchange);
      answer(exchange, exchanges.length);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Answers every line as stored. */
export function storeAll({ lines, response, verdict }: Exchange): void {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.end(lines.map((_, place) => verdict(place)).join(""));
}

/** Answers with a problem document. */
export function refuse(
  { response }: Exchange,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ status, code, detail: `because of ${code}` }));
}
