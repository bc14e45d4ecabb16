import type { IncomingMessage } from "node:http";
import type { LogTransport } from "@evident/server";
import { connectionError, type HttpClient } from "../client/index.ts";

/** The verifier's way to a server, over a client's connections. */
export function httpTransport(client: HttpClient): LogTransport {
  return {
    async fetchObject(path, { maxBytes, signal }) {
      const { status, headers, body } = await client.send({ path, headers: { accept: "*/*" }, signal });
      const bytes = await readAtMost(client, body, maxBytes, signal);
      const retryAfterSeconds = parseRetryAfter(headers["retry-after"]);
      return { status, bytes, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
    },
  };
}

/** The body, or the beginning of one that is too long: no server can fill the verifier's memory. */
async function readAtMost(
  client: HttpClient,
  body: IncomingMessage,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of body) {
      const bytes = part as Buffer;
      parts.push(bytes);
      sizeBytes += bytes.length;
      // Leaving the loop closes the connection.
      if (sizeBytes > maxBytes) break;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw connectionError(client.url, cause);
  }
  return Buffer.concat(parts).subarray(0, maxBytes + 1);
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
function parseRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, (atMs - Date.now()) / 1_000);
}
