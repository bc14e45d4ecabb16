import { setTimeout as sleep } from "node:timers/promises";
import { type ErrorCode, EvidentError, errors } from "@evident/core";
import type { LogTransport, ServedObject } from "./log-transport.ts";

/** What came of fetching an object. `broken`: the server says that it cannot give it, although it should. */
export type Fetched =
  | { readonly kind: "found"; readonly bytes: Uint8Array }
  | { readonly kind: "absent" }
  | { readonly kind: "denied" }
  | { readonly kind: "broken"; readonly why: string };

/** How long to go on with a server that does not answer as it should, in milliseconds. */
export interface Patience {
  /** First wait after a failure; each further one is twice as long. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** A server that cannot be reached or says that it is not ready is given up after this long. */
  readonly unreachableMs: number;
  /** The same for one that says to come back later. */
  readonly busyMs: number;
}

export const patience: Patience = {
  firstWaitMs: 200,
  longestWaitMs: 5_000,
  unreachableMs: 30_000,
  busyMs: 600_000,
};

const LONGEST_RETRY_AFTER_SECONDS = 60;
const LEAST_WAIT_MS = 50;
const TRIES_OF_A_BROKEN_OBJECT = 3;
const TRANSIENT: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);
const MAX_SHOWN = 500;

/** The server under verification, with patience: what is transient is tried again, and everybody waits when one is told to. */
export class LogClient {
  readonly #transport: LogTransport;
  readonly #signal: AbortSignal;
  readonly #patience: Patience;
  #pausedUntilMs = 0;
  #isReached = false;

  constructor(transport: LogTransport, signal: AbortSignal, times: Patience = patience) {
    this.#transport = transport;
    this.#signal = signal;
    this.#patience = times;
  }

  /**
   * @param maxBytes the longest that the object can be; a longer answer is cut one byte above
   * @throws EvidentError `unauthenticated`, `unreachable`, `overloaded`, or the code of an unexpected answer
   */
  async fetch(path: string, maxBytes: number): Promise<Fetched> {
    const startedMs = performance.now();
    for (let tries = 1; ; tries += 1) {
      await this.wait(this.#pausedUntilMs - performance.now());
      const answer = await this.#ask(path, maxBytes);
      if (!(answer instanceof EvidentError)) {
        const fetched = judge(answer, tries);
        if (fetched !== undefined) return fetched;
      }
      const limitMs =
        answer instanceof EvidentError || answer.status !== 429 ? this.#patience.unreachableMs : this.#patience.busyMs;
      if (performance.now() - startedMs > limitMs) {
        throw answer instanceof EvidentError ? answer : problemOf(answer);
      }
      await this.#waitAfter(answer, tries);
    }
  }

  async #ask(path: string, maxBytes: number): Promise<ServedObject | EvidentError> {
    try {
      const answer = await this.#transport.fetchObject(path, { maxBytes, signal: this.#signal });
      this.#isReached = true;
      return answer;
    } catch (cause) {
      this.#signal.throwIfAborted();
      // A server that was there may be starting anew; one that never was is more likely at another address.
      if (this.#isReached && cause instanceof EvidentError && cause.code === "unreachable") return cause;
      throw cause;
    }
  }

  async #waitAfter(answer: ServedObject | EvidentError, tries: number): Promise<void> {
    const stated = answer instanceof EvidentError ? undefined : answer.retryAfterSeconds;
    if (stated !== undefined && stated >= 0) {
      const waitMs = Math.max(LEAST_WAIT_MS, Math.min(stated, LONGEST_RETRY_AFTER_SECONDS) * 1_000);
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + waitMs);
      return;
    }
    const { firstWaitMs, longestWaitMs } = this.#patience;
    await this.wait(Math.min(longestWaitMs, firstWaitMs * 2 ** (tries - 1)) * (0.5 + Math.random() / 2));
  }

  /** Waits, unless the verification is given up. */
  async wait(ms: number): Promise<void> {
    this.#signal.throwIfAborted();
    if (ms > 0) await sleep(ms, undefined, { signal: this.#signal });
  }
}

/** What an answer says of the object; undefined: ask again. */
function judge(answer: ServedObject, tries: number): Fetched | undefined {
  const { status, bytes } = answer;
  if (status === 200) return { kind: "found", bytes };
  if (status === 404) return { kind: "absent" };
  if (status === 403) return { kind: "denied" };
  if (TRANSIENT.has(status)) return undefined;
  if (status < 500) throw problemOf(answer);
  const { code, message } = problemOf(answer);
  if (code !== "corrupt_store" && tries < TRIES_OF_A_BROKEN_OBJECT) return undefined;
  return { kind: "broken", why: `the server answers ${status}: ${message}` };
}

const codesOfStatus: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  408: "too_slow",
  429: "overloaded",
  503: "not_ready",
};

/** The failure that an answer's problem document states (RFC 9457); its text is the server's, so it is bounded. */
export function problemOf({ status, bytes }: ServedObject): EvidentError {
  let stated: { readonly code?: unknown; readonly detail?: unknown; readonly fix?: unknown } = {};
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === "object" && value !== null) stated = value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  const text = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" ? value.slice(0, MAX_SHOWN) : undefined;
  const isKnown = typeof stated.code === "string" && Object.hasOwn(errors, stated.code);
  const code = isKnown ? (stated.code as ErrorCode) : (codesOfStatus[status] ?? "unreachable");
  const fix = text(stated.fix);
  return new EvidentError(
    code,
    text(stated.detail) ?? `the server answered ${status}`,
    fix === undefined ? {} : { fix },
  );
}
