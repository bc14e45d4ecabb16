import type { Caller, ReadLog } from "./read-log.ts";

const BUNDLE_ENTRIES = 256;
/** How long an entry stands for fetches of its range. */
const VALID_MS = 10 * 60_000;
/** Fetches come side by side and out of order: as far ahead as this they still belong to the export before them. */
const AHEAD_ENTRIES = 64 * BUNDLE_ENTRIES;
const MAX_STEP_ENTRIES = 4_096 * BUNDLE_ENTRIES;
const MAX_EXPORTS = 10_000;

/** Entries `[first, end)` that an entry of the read log names; `recorded` resolves when that one is durable. */
interface Part {
  readonly end: number;
  readonly recorded: Promise<void>;
}

/** What one caller fetches of one trail, as far as it is recorded: neighbouring parts from `first` on. */
interface Export {
  readonly first: number;
  readonly untilMs: number;
  readonly parts: Part[];
  end: number;
  stepEntries: number;
}

/** A fetch that is about to be answered. */
export interface BundleFetch {
  readonly trail: string;
  readonly first: number;
  readonly end: number;
  /** Nobody can be given more than this. */
  readonly publishedSize: number;
  readonly bytesOut: number;
}

/**
 * Records who fetches entry bundles, before they are answered (invariant 9). A single fetch is one entry that names its bundle. Who goes
 * on from there exports the trail: each further entry names a range twice as long as the one before, so that a whole trail of a million
 * entries takes a dozen entries instead of four thousand, and what was read is known to a factor of two at any time, also after a crash.
 * An entry stands for its range until the time that it states; the same caller's fetches within it need no other.
 */
export class BundleReads {
  readonly #readLog: ReadLog;
  readonly #nowMs: () => number;
  readonly #exports = new Map<string, Export>();

  constructor(readLog: ReadLog, nowMs: () => number) {
    this.#readLog = readLog;
    this.#nowMs = nowMs;
  }

  /** Resolves when an entry that covers the fetch is durable. */
  async record(caller: Caller, fetch: BundleFetch): Promise<void> {
    const key = `${caller.grant.keyId} ${caller.ip} ${fetch.trail}`;
    const found = this.#exports.get(key);
    try {
      await (found !== undefined && this.#belongs(found, fetch)
        ? this.#goOn(found, caller, fetch)
        : this.#begin(key, caller, fetch));
    } catch (cause) {
      // Nothing may be answered on the strength of an entry that is not there.
      this.#exports.delete(key);
      throw cause;
    }
  }

  #belongs(found: Export, { first }: BundleFetch): boolean {
    return this.#nowMs() < found.untilMs && first >= found.first && first <= found.end + AHEAD_ENTRIES;
  }

  #begin(key: string, caller: Caller, fetch: BundleFetch): Promise<void> {
    const { first, end, bytesOut } = fetch;
    const untilMs = this.#nowMs() + VALID_MS;
    const recorded = this.#write(caller, fetch.trail, { first, end, untilMs, bytesOut });
    this.#exports.delete(key);
    this.#exports.set(key, { first, end, untilMs, parts: [{ end, recorded }], stepEntries: BUNDLE_ENTRIES });
    const [oldest] = this.#exports.keys();
    if (this.#exports.size > MAX_EXPORTS && oldest !== undefined) this.#exports.delete(oldest);
    return recorded;
  }

  async #goOn(found: Export, caller: Caller, fetch: BundleFetch): Promise<void> {
    if (fetch.end > found.end) {
      const first = found.end;
      found.stepEntries = Math.min(MAX_STEP_ENTRIES, found.stepEntries * 2);
      found.end = Math.max(fetch.end, Math.min(fetch.publishedSize, first + found.stepEntries));
      const { end, untilMs } = found;
      found.parts.push({ end, recorded: this.#write(caller, fetch.trail, { first, end, untilMs }) });
    }
    const last = found.parts.findIndex(({ end }) => end >= fetch.end);
    const from = found.parts.findIndex(({ end }) => end > fetch.first);
    await Promise.all(found.parts.slice(from, last + 1).map(({ recorded }) => recorded));
  }

  #write(
    caller: Caller,
    trail: string,
    at: { readonly first: number; readonly end: number; readonly untilMs: number; readonly bytesOut?: number },
  ): Promise<void> {
    const { first, end, untilMs, bytesOut } = at;
    return this.#readLog.record(caller, {
      op: "EXPORT",
      name: "log.bundle",
      resources: [{ type: "trail", id: trail }],
      detail: { first, end, until: new Date(untilMs).toISOString() },
      ...(bytesOut === undefined ? {} : { rows: end - first, bytesOut }),
    });
  }
}
