import type { AddressInfo } from "node:net";
import { EvidentError } from "@evident/core";
import type { FastifyBaseLogger } from "fastify";
import type { Checker } from "../check/index.ts";
import type { Config } from "../config/index.ts";
import type { Ledger } from "../ledger/index.ts";
import type { Search } from "../search/index.ts";
import type { SourceBook } from "../sources/index.ts";
import { type ApiContext, type App, makeApp, makeServer, type RouteAccess } from "./app/index.ts";
import { Authenticator, type Bootstrap, bootstrapAdmin, keyFold } from "./auth/index.ts";
import type { ApiMetrics } from "./metrics/index.ts";
import { ReadLog } from "./reads/index.ts";
import { type RouteTimes, registerRoutes } from "./routes/index.ts";

const GRACE_MS = 15_000;
const SWEEP_MS = 50;

/** What the API joins. */
export interface ApiOptions {
  readonly config: Config;
  readonly version: string;
  readonly ledger: Ledger;
  readonly search: Search;
  readonly checker: Checker;
  readonly sources: SourceBook;
  readonly metrics: ApiMetrics;
  readonly log: FastifyBaseLogger;
  /** Value of `EVIDENT_BOOTSTRAP_KEY`. */
  readonly bootstrapKey: string | undefined;
  /** Shorter in tests. */
  readonly times?: Partial<RouteTimes>;
}

/** The API while it serves. */
export interface Api {
  /** `http://127.0.0.1:7070`, with the port that was taken. */
  readonly url: string;
  readonly bootstrap: Bootstrap;
  readonly routes: readonly RouteAccess[];
  /** Reads certificate and key again. */
  reloadTls(): void;
  /** Stops accepting, ends streams, waits up to 15 s for requests to finish, then ends their connections. */
  close(): Promise<void>;
}

async function listen(app: App, { listen: { host, port } }: Config): Promise<AddressInfo> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    if (cause instanceof Error && "syscall" in cause) {
      const fix = "Stop what uses the address, or give another with --listen.";
      throw new EvidentError("config_invalid", `cannot listen on ${host}:${port}: ${cause.message}`, { cause, fix });
    }
    throw cause;
  }
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new EvidentError("internal", "the server has no address");
  return address;
}

/**
 * Opens the HTTP API: folds the API keys from `evident`, sees to an administrator's key, and listens.
 *
 * @throws EvidentError `config_invalid` when TLS files, bootstrap key or address cannot be used
 */
export async function openApi(options: ApiOptions): Promise<Api> {
  const { config, ledger, log } = options;
  const fold = await ledger.openFold(keyFold);
  const bootstrap = await bootstrapAdmin({
    ledger,
    state: fold.state(),
    keysDir: config.keys,
    given: options.bootstrapKey,
  });
  const stop = new AbortController();
  const context: ApiContext = {
    config,
    version: options.version,
    ledger,
    search: options.search,
    checker: options.checker,
    sources: options.sources,
    authenticator: new Authenticator(
      () => fold.state(),
      () => ledger.nowMs(),
    ),
    keyState: () => fold.state(),
    readLog: new ReadLog(ledger),
    metrics: options.metrics,
    stopping: stop.signal,
  };
  const server = makeServer(config, log);
  const { app, routes } = await makeApp(context, server, log);
  const { idle } = registerRoutes(app, context, options.times ?? {});
  const address = await listen(app, config).catch(async (cause: unknown) => {
    server.stop();
    await app.close();
    throw cause;
  });
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `${config.tls === undefined ? "http" : "https"}://${host}:${address.port}`,
    bootstrap,
    routes: routes(),
    reloadTls: server.reloadTls,
    async close() {
      stop.abort();
      server.stop();
      const grace = setTimeout(() => app.server.closeAllConnections(), GRACE_MS);
      // A connection that answers its last request after this is kept alive by Node for a next one that cannot come.
      const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
      await app.close();
      clearTimeout(grace);
      clearInterval(sweep);
      await idle();
    },
  };
}
