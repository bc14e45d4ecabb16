import { webDigest } from "../digest/index.ts";
import { type Problem, quarantineProblem } from "../errors/index.ts";
import {
  type EventDraft,
  makeLine,
  makeOpenAccess,
  type OpenAccess,
  type Recorded,
  type Recorder,
  uuidV7,
} from "../event/index.ts";
import { backoffMs, type Reason, sendLines, type Verdict } from "../send/index.ts";
import { parseDigestKey, parseKey, parseName, parseNumber, parseUrl } from "../settings/index.ts";

/** Settings of a client for edge runtimes. */
export interface EdgeOptions {
  readonly url: string;
  /** An API key of the role `producer`. */
  readonly key: string;
  /** The system that is accessed: this application's name. */
  readonly system: string;
  /** The named sender. Default: the key's own source. */
  readonly source?: string;
  readonly trail?: string;
  /** Most events in memory; further ones are refused. Default 1,000. */
  readonly maxEvents?: number;
  /** Most bytes of events in memory, as JSON text. Default 1 MiB. */
  readonly maxBytes?: number;
  /** How often a batch is tried before `flush` gives up; the events stay in memory. Default 3. */
  readonly tries?: number;
  readonly requestTimeoutMs?: number;
  /** Key of the digests, at least 16 bytes. */
  readonly digestKey?: string | Uint8Array;
  readonly fetch?: typeof globalThis.fetch;
  readonly onQuarantined?: (event: { readonly id: string | undefined; readonly reasons: readonly Reason[] }) => void;
  /** Default: `console.warn`. */
  readonly onProblem?: (problem: Pick<Problem, "code" | "message" | "fix">) => void;
}

function warn(text: string): void {
  // oxlint-disable-next-line no-console -- edge runtimes have no other place for a warning
  console.warn(text);
}

function warnOf({ code, message, fix }: Pick<Problem, "code" | "message" | "fix">): void {
  warn(`evident ${code}: ${message}. ${fix}`);
}

const FLUSH_EVENTS = 500;
const MAX_BACKOFF_MS = 5_000;

/**
 * Records accesses where there is no disk: on edge runtimes. Events wait in memory until `flush`, which middleware hands to the runtime's
 * `waitUntil`; what waits when the runtime ends the isolate is lost, and shows as a hole in the sequence numbers. Built on `fetch` and Web
 * Crypto alone.
 */
export class EdgeEvident implements Recorder {
  readonly #options: EdgeOptions;
  readonly #url: string;
  readonly #limits: {
    readonly events: number;
    readonly bytes: number;
    readonly tries: number;
    readonly timeoutMs: number;
  };
  /** Made with the first event: edge runtimes forbid randomness while a module loads. */
  #instance: string | undefined;
  #lines: string[] = [];
  #bytes = 0;
  #seq = 0;
  #flushing: Promise<boolean> | undefined;
  #counts = { accepted: 0, refused: 0, stored: 0, quarantined: 0 };

  /** @throws SdkError `config_invalid` */
  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#url = parseUrl(options.url);
    parseKey(options.key);
    parseName("system", options.system);
    parseDigestKey(options.digestKey);
    this.#limits = {
      events: parseNumber("maxEvents", options.maxEvents, 1_000, [1, 1_000_000]),
      bytes: parseNumber("maxBytes", options.maxBytes, 1 << 20, [1_024, 2 ** 30]),
      tries: parseNumber("tries", options.tries, 3, [1, 100]),
      timeoutMs: parseNumber("requestTimeoutMs", options.requestTimeoutMs, 10_000, [100, 600_000]),
    };
  }

  /** Takes an event into memory. Synchronous; never throws. `accepted` promises no more than that: see `flush`. */
  record(draft: EventDraft): Recorded {
    const nowMs = Date.now();
    return this.#record(draft, draft.id ?? uuidV7(nowMs), nowMs);
  }

  begin(): OpenAccess {
    const begunMs = Date.now();
    const id = uuidV7(begunMs);
    const record = (draft: EventDraft): Recorded => this.#record(draft, draft.id ?? id, begunMs);
    return makeOpenAccess({ id, begunMs, record, forget: () => undefined });
  }

  #record(draft: EventDraft, id: string, nowMs: number): Recorded {
    const { system, source } = this.#options;
    this.#instance ??= uuidV7(nowMs);
    const seq = this.#seq + 1;
    let line: string;
    try {
      line = makeLine(draft, { system, source, instance: this.#instance }, { id, seq, nowMs });
    } catch (cause) {
      this.#counts.refused += 1;
      return { kind: "refused", why: "invalid", message: `the event cannot be written as JSON: ${String(cause)}` };
    }
    if (this.#lines.length >= this.#limits.events || this.#bytes + line.length > this.#limits.bytes) {
      this.#counts.refused += 1;
      const message = `${this.#lines.length} events wait in memory`;
      this.#report({ code: "spool_full", message, fix: "Call flush more often, or raise maxEvents and maxBytes." });
      return { kind: "refused", why: "full", message };
    }
    this.#seq = seq;
    this.#lines.push(line);
    this.#bytes += line.length;
    this.#counts.accepted += 1;
    return { kind: "accepted", id, seq };
  }

  /** Sends what waits. @returns whether everything has its verdict; never rejects. Calls at the same time share one. */
  flush(): Promise<boolean> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** For middleware: `flush`, bound. */
  readonly drain = async (): Promise<boolean> => {
    // A flush under way may have begun before the event that this one is for.
    await this.#flushing;
    return this.flush();
  };

  async #flush(): Promise<boolean> {
    for (let failures = 0; this.#lines.length > 0; ) {
      const lines = this.#lines.slice(0, FLUSH_EVENTS);
      const body = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
      const verdicts: Verdict[] = [];
      const { key, trail, fetch = globalThis.fetch } = this.#options;
      // Called as a function of its own: some runtimes refuse `fetch` as a method of something else.
      const target = { url: this.#url, key, trail, timeoutMs: this.#limits.timeoutMs, fetch: fetch.bind(globalThis) };
      const failure = await sendLines(target, { body, count: lines.length }, (verdict) => verdicts.push(verdict));
      for (const verdict of verdicts) this.#take(verdict);
      this.#lines.splice(0, verdicts.length);
      this.#bytes = this.#lines.reduce((sum, line) => sum + line.length, 0);
      if (failure === undefined) continue;
      failures = verdicts.length > 0 ? 1 : failures + 1;
      this.#report(failure);
      if (failures >= this.#limits.tries) return false;
      const waitMs = backoffMs(failure, failures, MAX_BACKOFF_MS, Math.random());
      await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, MAX_BACKOFF_MS)));
    }
    return true;
  }

  #take({ status, id, reasons = [] }: Verdict): void {
    if (status !== "quarantined") {
      this.#counts.stored += 1;
      return;
    }
    this.#counts.quarantined += 1;
    this.#report(quarantineProblem({ id, reasons }));
    this.#call(() => this.#options.onQuarantined?.({ id, reasons }));
  }

  /** Counts of events since the client was made. */
  stats(): {
    readonly accepted: number;
    readonly refused: number;
    readonly stored: number;
    readonly quarantined: number;
    readonly waiting: number;
  } {
    return { ...this.#counts, waiting: this.#lines.length };
  }

  /** Keyed digest of a value; undefined without `digestKey`. */
  digest(value: unknown): Promise<string> | undefined {
    const { digestKey } = this.#options;
    return digestKey === undefined ? undefined : webDigest(digestKey, value);
  }

  #report(problem: Pick<Problem, "code" | "message" | "fix">): void {
    this.#call(() => (this.#options.onProblem ?? warnOf)(problem));
  }

  /** What the application gave us to call must not break recording. */
  #call(callback: () => void): void {
    try {
      callback();
    } catch (cause) {
      warn(`evident: a callback threw ${String(cause)}`);
    }
  }
}

/** Makes a client for edge runtimes. @throws SdkError `config_invalid` naming the setting */
export function createEdgeEvident(options: EdgeOptions): EdgeEvident {
  return new EdgeEvident(options);
}
