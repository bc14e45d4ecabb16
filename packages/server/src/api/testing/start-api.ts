import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import { loadConfig } from "../../config/index.ts";
import { type Ledger, openLedger } from "../../ledger/index.ts";
import { type Api, ApiMetrics, type ApiOptions, openApi } from "../index.ts";
import { openMemorySearch } from "./memory-search.ts";
import { makePlainStages } from "./plain-stages.ts";

/** An API on a new store, with the real ledger and what it logged. */
export interface TestApi {
  readonly api: Api;
  readonly ledger: Ledger;
  readonly dir: string;
  readonly adminKey: string;
  readonly logged: () => string;
  /** Requests with the administrator's key unless another (or `""`: none) is given. */
  fetch(path: string, init?: RequestInit & { readonly key?: string }): Promise<Response>;
  /** Makes a key with the administrator's. */
  makeKey(body: object): Promise<{ readonly id: string; readonly key: string }>;
  close(): Promise<void>;
}

/** Starts one. `flags` are settings by dotted path. */
export async function startApi(
  options: Partial<Pick<ApiOptions, "times" | "bootstrapKey">> & {
    readonly flags?: Record<string, string>;
    readonly dir?: string;
    readonly wrapLedger?: (ledger: Ledger) => Ledger;
  } = {},
): Promise<TestApi> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "evident-api-"));
  const flags = { listen: "127.0.0.1:0", "ledger.publishIntervalMs": "20", ...options.flags };
  const config = loadConfig({ environment: {}, flags, workingDirectory: dir });
  let text = "";
  const log = pino(
    { level: "trace" },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    }),
  );
  const real = await openLedger({
    dataDir: config.data,
    keysDir: config.keys,
    version: "0",
    publishIntervalMs: config.ledger.publishIntervalMs,
  });
  const ledger = options.wrapLedger?.(real) ?? real;
  if (ledger.trail("main") === undefined) await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
  const search = openMemorySearch(ledger);
  const api = await openApi({
    config,
    version: "0.0.0",
    ledger,
    search,
    stages: makePlainStages(ledger),
    metrics: new ApiMetrics({ ledger, search }),
    log,
    bootstrapKey: options.bootstrapKey,
    ...(options.times === undefined ? {} : { times: options.times }),
  });
  const adminKey = options.bootstrapKey ?? readFileSync(join(config.keys, "bootstrap-admin"), "utf8").trim();
  const doFetch: TestApi["fetch"] = (path, init = {}) => {
    const { key = adminKey, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (key !== "") headers.set("authorization", `Bearer ${key}`);
    return fetch(`${api.url}${path}`, { ...rest, headers });
  };
  return {
    api,
    ledger,
    dir,
    adminKey,
    logged: () => text,
    fetch: doFetch,
    async makeKey(body) {
      const answer = await doFetch("/v1/keys", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      if (answer.status !== 201) throw new Error(await answer.text());
      return (await answer.json()) as { id: string; key: string };
    },
    async close() {
      await api.close();
      await real.close();
      if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
    },
  };
}
