import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { EvidentError } from "@evident/core";
import type { FastifyBaseLogger } from "fastify";
import type { Config } from "../../config/index.ts";

const HEADERS_MS = 15_000;
const KEEP_ALIVE_MS = 65_000;
const SOCKET_IDLE_MS = 120_000;
const MAX_HEADER_BYTES = 16 * 1024;
const WATCH_MS = 5_000;

/** The HTTP or HTTPS server below the framework. */
export interface MadeServer {
  readonly create: (listener: RequestListener) => Server;
  /** Reads certificate and key again; what cannot be used leaves the old ones in place and is logged. */
  readonly reloadTls: () => void;
  readonly stop: () => void;
}

type TlsFiles = NonNullable<Config["tls"]>;

function readTls({ cert, key }: TlsFiles): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

/**
 * Time-outs for clients that are slow on purpose: headers within 15 s, a connection without traffic for two minutes is closed. The time
 * of a whole request is not bounded here, because an upload may be long; its body must keep coming instead.
 */
function prepare(server: Server, listener: RequestListener): Server {
  // Whether a body may come is decided after authorisation: without this Node itself would say "100 Continue" before.
  server.on("checkContinue", listener);
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = 0;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.timeout = SOCKET_IDLE_MS;
  return server;
}

/**
 * Prepares a server for the configuration. With TLS the files are read at once, then again when they change and on `reloadTls`.
 *
 * @throws EvidentError `config_invalid` when certificate and key cannot be used together
 */
export function makeServer(config: Config, log: FastifyBaseLogger): MadeServer {
  const { tls } = config;
  const options = { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: WATCH_MS };
  if (tls === undefined) {
    const create = (listener: RequestListener): Server => prepare(createServer(options, listener), listener);
    return { create, reloadTls: () => undefined, stop: () => undefined };
  }
  let server: ReturnType<typeof createTlsServer> | undefined;
  const reloadTls = (): void => {
    try {
      server?.setSecureContext({ ...readTls(tls), minVersion: "TLSv1.2" });
      log.info({ cert: tls.cert }, "certificate loaded");
    } catch (cause) {
      // Half-written files are read again at the next change; the old certificate stays in use until then.
      log.error({ err: cause, cert: tls.cert }, "certificate not loaded, the old one stays in use");
    }
  };
  const create = (listener: RequestListener): Server => {
    try {
      server = createTlsServer({ ...options, ...readTls(tls), minVersion: "TLSv1.2" }, listener);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : "";
      throw new EvidentError("config_invalid", `tls.cert ${tls.cert} and tls.key ${tls.key} cannot be used: ${why}`, {
        cause,
      });
    }
    for (const file of [tls.cert, tls.key]) watchFile(file, { interval: WATCH_MS, persistent: false }, reloadTls);
    return prepare(server, listener);
  };
  const stop = (): void => {
    for (const file of [tls.cert, tls.key]) unwatchFile(file, reloadTls);
  };
  return { create, reloadTls, stop };
}
