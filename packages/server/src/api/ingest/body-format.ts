import type { IncomingHttpHeaders } from "node:http";
import { EvidentError, excerpt } from "@evident/core";
import { type Adapter, findAdapters } from "../../capture/index.ts";

const MAX_KEY_LENGTH = 256;

/** What a body of records in their source's format is read with. */
export interface BodyFormat {
  readonly adapters: readonly Adapter[];
  readonly options: Readonly<Record<string, string>>;
  readonly source: string | undefined;
  readonly idempotencyKey: string | undefined;
}

/** Reads format, options and key of a request. @throws EvidentError `bad_request` for an unknown format or what is no name=value */
export function bodyFormat(
  headers: IncomingHttpHeaders,
  name: string,
  query: { readonly option?: string | readonly string[]; readonly source?: string },
): BodyFormat {
  const given = query.option === undefined ? [] : [query.option].flat();
  const options = Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf("=");
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new EvidentError("bad_request", `option ${excerpt(text)} is not name=value`);
    }),
  );
  const idempotencyKey = headers["idempotency-key"];
  if (Array.isArray(idempotencyKey) || (idempotencyKey ?? "").length > MAX_KEY_LENGTH) {
    throw new EvidentError("bad_request", `Idempotency-Key has more than ${MAX_KEY_LENGTH} characters`);
  }
  return { adapters: findAdapters(name), options, source: query.source, idempotencyKey };
}
