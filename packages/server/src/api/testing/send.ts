import type { TestApi } from "./start-api.ts";

export const NDJSON = "application/x-ndjson";
export const JSON_TYPE = "application/json";

/** How a body is sent. */
export interface Sending {
  readonly type?: string;
  readonly encoding?: string | undefined;
  readonly query?: string;
  readonly key?: string;
  readonly idempotencyKey?: string;
}

/** Posts a body to `/v1/events`, as JSON unless another type is given. */
export function send(api: TestApi, body: string | Uint8Array, sending: Sending = {}): Promise<Response> {
  const { type = JSON_TYPE, encoding, query = "", key, idempotencyKey } = sending;
  const headers = {
    "content-type": type,
    ...(encoding === undefined ? {} : { "content-encoding": encoding }),
    ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
  };
  const bytes = typeof body === "string" ? body : new Uint8Array(body);
  return api.fetch(`/v1/events${query}`, {
    method: "POST",
    headers,
    body: bytes,
    ...(key === undefined ? {} : { key }),
  });
}

/** The values of an NDJSON answer. */
export async function readLines(answer: Response): Promise<Record<string, unknown>[]> {
  const text = await answer.text();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
