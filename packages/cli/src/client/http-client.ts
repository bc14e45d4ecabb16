import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EvidentError } from "@evident/core";
import { problemError } from "./problem-error.ts";

/** What to ask for. `path` begins with `/`; a stream is sent once and cannot be retried. */
export interface Ask {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | Readable;
  readonly signal?: AbortSignal;
  /** How long the server may send nothing before it counts as gone. Default: ten minutes. */
  readonly silenceMs?: number;
}

/** An answer whose body has not been read. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: IncomingMessage;
}

/** Where the server is and how to be recognised by it. `ca` is PEM text to trust beside nothing else. */
export interface ClientOptions {
  readonly url: URL;
  readonly key?: string;
  readonly ca?: string;
  readonly userAgent: string;
  /** Connections at the same time. */
  readonly connections?: number;
}

/** Silence for so long is no answer. A comparison of index and ledger by hash says nothing while it reads hundreds of millions of entries. */
const SILENCE_MS = 600_000;
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection broke",
  EPIPE: "the connection broke",
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name could not be looked up",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  EPROTO: "it does not speak HTTPS there",
};

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
}

/** A failure to reach the server, with what can be done about it. */
export function connectionError(url: URL, cause: unknown): EvidentError {
  if (cause instanceof EvidentError) return cause;
  const code = codeOf(cause);
  const why = causes[code] ?? (cause instanceof Error ? cause.message : "unknown reason");
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO/.test(code);
  return new EvidentError("unreachable", `${url.origin} cannot be reached: ${why}`, {
    cause,
    ...(certificate ? { fix: "Name the authority that signed the server's certificate with --ca FILE." } : {}),
    ...(code === "ECONNREFUSED" ? { fix: "Start a server with `evident serve`, or name another with --url." } : {}),
  });
}

/** One server, over kept-alive connections. */
export class HttpClient {
  readonly url: URL;
  readonly #options: ClientOptions;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(options: ClientOptions) {
    this.url = options.url;
    this.#options = options;
    const common = { keepAlive: true, maxSockets: options.connections ?? 8 };
    this.#agent =
      options.url.protocol === "https:"
        ? new HttpsAgent(options.ca === undefined ? common : { ...common, ca: options.ca })
        : new HttpAgent(common);
  }

  close(): void {
    this.#agent.destroy();
  }

  #urlOf({ path, query }: Ask): URL {
    const url = new URL(this.url);
    url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value === undefined) continue;
      if (typeof value === "object") for (const each of value) url.searchParams.append(name, each);
      else url.searchParams.set(name, String(value));
    }
    return url;
  }

  /**
   * Sends a request and resolves with the head of its answer, whatever its status.
   *
   * @throws EvidentError `unreachable`; the signal's reason when it aborts
   */
  async send(ask: Ask): Promise<Answer> {
    const isStream = typeof ask.body === "object" && !(ask.body instanceof Uint8Array);
    try {
      return await this.#sendOnce(ask);
    } catch (cause) {
      ask.signal?.throwIfAborted();
      // A kept-alive connection that the server closed just then: nothing was read, and reading twice does no harm.
      const isStale = codeOf(cause) === "ECONNRESET" && (ask.method ?? "GET") === "GET" && !isStream;
      if (!isStale) throw connectionError(this.url, cause);
    }
    try {
      return await this.#sendOnce(ask);
    } catch (cause) {
      ask.signal?.throwIfAborted();
      throw connectionError(this.url, cause);
    }
  }

  #sendOnce(ask: Ask): Promise<Answer> {
    const { key, userAgent } = this.#options;
    const { body } = ask;
    const url = this.#urlOf(ask);
    const headers: Record<string, string> = {
      "user-agent": userAgent,
      accept: "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(typeof body === "string" || body instanceof Uint8Array
        ? { "content-length": String(Buffer.byteLength(body)) }
        : {}),
      ...ask.headers,
    };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
        agent: this.#agent,
        method: ask.method ?? "GET",
        headers,
        timeout: ask.silenceMs ?? SILENCE_MS,
        ...(ask.signal === undefined ? {} : { signal: ask.signal }),
      });
      request.once("response", (answer) => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
      });
      // The socket only tells of the silence.
      request.once("timeout", () => {
        request.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
      });
      request.once("error", reject);
      if (body === undefined || typeof body === "string" || body instanceof Uint8Array) request.end(body);
      else pipeline(body, request).catch(reject);
    });
  }

  /**
   * Sends a request and reads the whole answer.
   *
   * @throws EvidentError with the code of the answer's problem document when the status is not 2xx; `unreachable`
   */
  async bytes(ask: Ask): Promise<{ readonly answer: Answer; readonly body: Buffer }> {
    const answer = await this.send(ask);
    const body = await readAll(this.url, answer.body);
    if (answer.status < 200 || answer.status > 299) throw problemError(answer.status, parseJson(body));
    return { answer, body };
  }

  /** As `bytes`, parsed as JSON. The caller checks the shape. @throws EvidentError `unreachable` when it is not JSON */
  async json(ask: Ask): Promise<unknown> {
    const { body } = await this.bytes(ask);
    if (body.length === 0) return undefined;
    const value = parseJson(body);
    if (value === undefined) {
      throw new EvidentError("unreachable", `${this.url.origin} answered with something that is not JSON`, {
        fix: "Check that the URL is an Evident server's.",
      });
    }
    return value;
  }
}

/** Reads a body to its end. @throws EvidentError `unreachable` when it breaks off, `too_large` above 256 MiB */
export async function readAll(url: URL, body: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of body) {
      const bytes = part as Buffer;
      sizeBytes += bytes.length;
      if (sizeBytes > MAX_ANSWER_BYTES) throw new EvidentError("too_large", "the server's answer is above 256 MiB");
      parts.push(bytes);
    }
  } catch (cause) {
    throw connectionError(url, cause);
  }
  return Buffer.concat(parts);
}

/** Undefined where a body is no JSON. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}
