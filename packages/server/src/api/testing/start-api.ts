import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { type Logger, pino } from "pino";
import { Checker, identityReader, Vault } from "../../check/index.ts";
import { type Config, loadConfig } from "../../config/index.ts";
import { type Ledger, type LedgerOptions, openLedger } from "../../ledger/index.ts";
import { SourceBook } from "../../sources/index.ts";
import { type Api, ApiMetrics, type ApiOptions, openApi } from "../index.ts";
import { openMemorySearch } from "./memory-search.ts";

type FetchOptions = RequestInit & { readonly key?: string };

/** An API on a new store, with the real ledger and what it logged. */
export interface TestApi {
  readonly api: Api;
  readonly ledger: Ledger;
  readonly vault: Vault;
  readonly dir: string;
  readonly adminKey: string;
  readonly logged: () => string;
  /** Requests with the administrator's key unless another (or `""`: none) is given. */
  fetch(path: string, init?: FetchOptions): Promise<Response>;
  /** Makes a key with the administrator's. */
  makeKey(body: object): Promise<{ readonly id: string; readonly key: string }>;
  close(): Promise<void>;
}

/** How to start one. `flags` are settings by dotted path. */
export interface StartOptions extends Partial<Pick<ApiOptions, "times" | "bootstrapKey">> {
  readonly flags?: Record<string, string>;
  /** A store that outlives the API. */
  readonly dir?: string;
  readonly ledger?: Partial<LedgerOptions>;
  readonly wrapLedger?: (ledger: Ledger) => Ledger;
}

function makeLog(): { readonly log: Logger; readonly logged: () => string } {
  let text = "";
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { log: pino({ level: "trace" }, sink), logged: () => text };
}

function openStore(config: Config, options: Partial<LedgerOptions> = {}): Promise<Ledger> {
  return openLedger({
    dataDir: config.data,
    keysDir: config.keys,
    version: "0.0.0",
    ...config.ledger,
    maxPendingBytes: config.limits.pendingBytes,
    identityOf: (line, macKey) => identityReader(macKey)(line),
    ...options,
  });
}

/** Starts one: real ledger, vault and checker; every entry is read for a search. */
export async function startApi(options: StartOptions = {}): Promise<TestApi> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "evident-api-"));
  const flags = { listen: "127.0.0.1:0", "ledger.publishIntervalMs": "20", ...options.flags };
  const config = loadConfig({ environment: {}, flags, workingDirectory: dir });
  const { log, logged } = makeLog();
  const real = await openStore(config, options.ledger);
  const vault = new Vault(config.vault);
  const closeStore = async (): Promise<void> => {
    await vault.close();
    await real.close();
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
  };
  const ledger = options.wrapLedger?.(real) ?? real;
  const api = await serve({ config, log, ledger, vault, options }).catch(async (cause: unknown) => {
    await closeStore();
    throw cause;
  });
  const adminKey = options.bootstrapKey ?? readFileSync(join(config.keys, "bootstrap-admin"), "utf8").trim();
  const fetchWithKey = makeFetch(api.url, adminKey);
  return {
    api,
    ledger,
    vault,
    dir,
    adminKey,
    logged,
    fetch: fetchWithKey,
    makeKey: (body) => makeKey(fetchWithKey, body),
    async close() {
      await api.close();
      await closeStore();
    },
  };
}

async function serve(parts: {
  readonly config: Config;
  readonly log: Logger;
  readonly ledger: Ledger;
  readonly vault: Vault;
  readonly options: StartOptions;
}): Promise<Api> {
  const { config, log, ledger, vault, options } = parts;
  if (ledger.trail("main") === undefined) await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
  const search = openMemorySearch(ledger);
  const path = join(config.data, "index", "sources.json");
  const sources = new SourceBook({ ledger, path, onAlarm: (detail) => log.warn(detail) });
  const api = await openApi({
    config,
    version: "0.0.0",
    ledger,
    search,
    checker: new Checker({ macKey: ledger.macKey, vault, nowMs: () => ledger.nowMs() }),
    sources,
    metrics: new ApiMetrics({ ledger, search }),
    log,
    bootstrapKey: options.bootstrapKey,
    ...(options.times === undefined ? {} : { times: options.times }),
  }).catch((cause: unknown) => {
    sources.close();
    throw cause;
  });
  const close = async (): Promise<void> => {
    await api.close();
    sources.close();
  };
  return { ...api, close };
}

function makeFetch(url: string, adminKey: string): TestApi["fetch"] {
  return (path, { key = adminKey, ...init } = {}) => {
    const headers = new Headers(init.headers);
    if (key !== "") headers.set("authorization", `Bearer ${key}`);
    return fetch(`${url}${path}`, { ...init, headers });
  };
}

async function makeKey(fetchWithKey: TestApi["fetch"], body: object): ReturnType<TestApi["makeKey"]> {
  const answer = await fetchWithKey("/v1/keys", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  return (await answer.json()) as { id: string; key: string };
}
