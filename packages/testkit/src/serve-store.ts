import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig, openServer, type ServedObject } from "@evident/server";

/** A server in this process over the store in a directory, as `openSmallLedger` lays it out. */
export interface ServedStore {
  readonly url: string;
  readonly dataDir: string;
  readonly adminKey: string;
  /** Sends a request with the administrator's key, or the one given. A body is sent as JSON. */
  ask(
    path: string,
    options?: { readonly method?: string; readonly body?: unknown; readonly key?: string },
  ): Promise<Response>;
  /** Makes a key and returns its text. */
  makeKey(body: object): Promise<string>;
  /** Fetches an object as the verifier of a server wants it. */
  fetchObject(path: string, options: { readonly signal: AbortSignal; readonly key?: string }): Promise<ServedObject>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts one on a free port of loopback. `flags` are settings by dotted path. */
export async function serveStore(
  directory: string,
  flags: Readonly<Record<string, string>> = {},
): Promise<ServedStore> {
  const config = loadConfig({
    environment: {},
    flags: { listen: "127.0.0.1:0", "ledger.publishIntervalMs": "20", "log.level": "fatal", ...flags },
    workingDirectory: directory,
  });
  const server = await openServer({
    config,
    version: "test",
    bootstrapKey: undefined,
    logTo: { write: () => undefined },
  });
  const adminKey = readFileSync(join(config.keys, "bootstrap-admin"), "utf8").trim();
  const ask: ServedStore["ask"] = (path, { method, body, key = adminKey } = {}) =>
    fetch(`${server.url}${path}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const close = (): Promise<void> => server.close();
  return {
    url: server.url,
    dataDir: config.data,
    adminKey,
    ask,
    async makeKey(body) {
      const answer = await ask("/v1/keys", { body });
      if (answer.status !== 201) throw new Error(await answer.text());
      return ((await answer.json()) as { key: string }).key;
    },
    async fetchObject(path, { signal, key = adminKey }) {
      const answer = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${key}` }, signal });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      const retryAfter = answer.headers.get("retry-after");
      return {
        status: answer.status,
        bytes,
        ...(retryAfter === null ? {} : { retryAfterSeconds: Number(retryAfter) }),
      };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
