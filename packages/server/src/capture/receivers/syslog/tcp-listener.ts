import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { EvidentError } from "@evident/core";
import { SyslogFrames } from "./frames.ts";
import { listenOn } from "./listen-on.ts";
import type { ListenerParts, SyslogListener } from "./listener.ts";
import { MAX_MESSAGE_BYTES } from "./listener.ts";
import { MessageReader } from "./message-reader.ts";

const MAX_CONNECTIONS = 1_024;
const KEEP_ALIVE_MS = 60_000;
const HANDSHAKE_MS = 10_000;
const TICK_MS = 1_000;
/** A message that does not go on for so long has been given up by its sender. */
const MAX_PAUSE_MS = 60_000;
/** How long senders have to end their connections when the server stops. */
const GOODBYE_MS = 500;
const WATCH_MS = 5_000;

/** Files of a TLS listener. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

interface SecureContext {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

function readFiles({ cert, key, ca }: TlsFiles): SecureContext {
  return { cert: readFileSync(cert), key: readFileSync(key), ...(ca === undefined ? {} : { ca: readFileSync(ca) }) };
}

/** One sender. Reads while there is room, and gives the beginning of a message that does not end to quarantine. */
class Connection {
  readonly socket: Socket;
  /** Resolves when everything of it is on its way to the sink. */
  readonly finished: Promise<void>;
  readonly #parts: ListenerParts;
  readonly #frames = new SyslogFrames(MAX_MESSAGE_BYTES);
  readonly #reader: MessageReader;
  #lastMs = performance.now();
  #isIdle = false;

  constructor(socket: Socket, parts: ListenerParts) {
    this.socket = socket;
    this.#parts = parts;
    this.#reader = new MessageReader(parts);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("end", () => socket.end());
    socket.on("error", (cause) => parts.log.debug({ receiver: parts.sender.name, err: cause }, "connection broke"));
    this.finished = new Promise((resolve) => {
      socket.on("close", () => {
        this.#finish();
        resolve();
      });
    });
  }

  /** Called every second. */
  tick(): void {
    const pauseMs = performance.now() - this.#lastMs;
    if (pauseMs < TICK_MS || this.socket.isPaused()) return;
    if (!this.#isIdle) this.#reader.end();
    this.#isIdle = true;
    if (this.#frames.isOpen && pauseMs > MAX_PAUSE_MS) this.socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#lastMs = performance.now();
    this.#isIdle = false;
    this.#parts.events.bytes("syslog", bytes.length);
    this.#reader.take(this.#frames.add(bytes));
    if (!this.#parts.delivery.isFull) return;
    this.socket.pause();
    void this.#resumeWithRoom();
  }

  async #resumeWithRoom(): Promise<void> {
    await this.#parts.delivery.room();
    this.#lastMs = performance.now();
    this.socket.resume();
  }

  #finish(): void {
    const part = this.#frames.end();
    if (part !== undefined) this.#reader.takePart(part);
    this.#reader.end();
  }
}

/**
 * Takes syslog over TCP, or TLS (RFC 5425) when there are files for it.
 *
 * @throws EvidentError `config_invalid` when files or address cannot be used
 */
export async function listenTcp(parts: ListenerParts, tls: TlsFiles | undefined): Promise<SyslogListener> {
  const connections = new Set<Connection>();
  const accept = (socket: Socket): void => {
    const connection = new Connection(socket, parts);
    connections.add(connection);
    parts.events.connections("syslog", 1);
    socket.once("close", () => {
      connections.delete(connection);
      parts.events.connections("syslog", -1);
    });
  };
  const { server, stopWatching } = makeServer(parts, tls, accept);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("drop", () => parts.log.warn({ receiver: parts.sender.name, max: MAX_CONNECTIONS }, "connection refused"));
  const port = await listenOn(server, parts).catch((cause: unknown) => {
    stopWatching();
    throw cause;
  });
  const timer = setInterval(() => {
    for (const connection of connections) connection.tick();
  }, TICK_MS);
  return {
    port,
    async close() {
      clearInterval(timer);
      stopWatching();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const finished = [...connections].map((connection) => connection.finished);
      // What is under way is still read: the end of our side tells senders to stop.
      for (const { socket } of connections) socket.end();
      const goodbye = setTimeout(() => {
        for (const { socket } of connections) socket.destroy();
      }, GOODBYE_MS);
      await closed;
      await Promise.all(finished);
      clearTimeout(goodbye);
    },
  };
}

function makeServer(
  parts: ListenerParts,
  tls: TlsFiles | undefined,
  accept: (socket: Socket) => void,
): { readonly server: Server; readonly stopWatching: () => void } {
  if (tls === undefined) {
    return { server: createServer({ allowHalfOpen: true }, accept), stopWatching: () => undefined };
  }
  const { log, sender, name } = parts;
  const options = {
    allowHalfOpen: true,
    minVersion: "TLSv1.2",
    handshakeTimeout: HANDSHAKE_MS,
    requestCert: tls.ca !== undefined,
    rejectUnauthorized: tls.ca !== undefined,
  } as const;
  let server: ReturnType<typeof createTlsServer>;
  try {
    server = createTlsServer({ ...options, ...readFiles(tls) }, accept);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "";
    const problem = `\`${name}\`: its certificate, key or ca cannot be used: ${why}`;
    throw new EvidentError("config_invalid", problem, { cause, fix: "Name PEM files that belong together." });
  }
  server.on("tlsClientError", (cause) => {
    parts.events.lost("syslog", "handshake", 1);
    log.warn({ receiver: sender.name, why: cause.message }, "TLS connection refused");
  });
  const reload = (): void => {
    try {
      server.setSecureContext({ ...readFiles(tls), minVersion: "TLSv1.2" });
      log.info({ receiver: sender.name, cert: tls.cert }, "certificate loaded");
    } catch (cause) {
      log.error({ receiver: sender.name, err: cause }, "certificate not loaded, the old one stays in use");
    }
  };
  const files = [tls.cert, tls.key, ...(tls.ca === undefined ? [] : [tls.ca])];
  for (const file of files) watchFile(file, { interval: WATCH_MS, persistent: false }, reload);
  const stopWatching = (): void => {
    for (const file of files) unwatchFile(file, reload);
  };
  return { server, stopWatching };
}
