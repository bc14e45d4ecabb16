import type { HttpClient } from "./http-client.ts";

/** What to search for; times as the server reads them (RFC 3339, a date, `-24h`). */
export interface SearchAsk {
  readonly q: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly trail: readonly string[];
  readonly order: "newest" | "oldest";
  /** Entries in all; undefined: every one. */
  readonly limit: number | undefined;
  readonly signal: AbortSignal;
}

const PAGE = 1_000;

/** Pages of a search as lines `{trail,index,entry}`, one after the other until the limit or the end. */
export async function* searchPages(client: HttpClient, ask: SearchAsk): AsyncGenerator<readonly string[]> {
  const { limit, signal, trail, ...rest } = ask;
  let left = limit ?? Number.POSITIVE_INFINITY;
  let cursor: string | undefined;
  do {
    const { answer, body } = await client.bytes({
      path: "/v1/events",
      headers: { accept: "application/x-ndjson" },
      query: { ...rest, ...(trail.length === 0 ? {} : { trail }), limit: Math.min(left, PAGE), cursor },
      signal,
    });
    const lines = body
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "")
      .slice(0, Math.min(left, PAGE));
    // A page without entries is the last, whatever its cursor says: no server can keep us here.
    if (lines.length === 0) return;
    yield lines;
    left -= lines.length;
    const next = answer.headers["evident-cursor"];
    cursor = typeof next === "string" ? next : undefined;
  } while (cursor !== undefined && left > 0);
}
