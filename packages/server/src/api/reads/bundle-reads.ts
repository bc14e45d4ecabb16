import type { Caller, ReadLog } from "./read-log.ts";

const BUNDLE_ENTRIES = 256;
/** How long an entry stands for fetches of its range. */
const VALID_MS = 10 * 60_000;
/** Fetches come side by side and out of order: as far ahead as this they still belong to the export before them. */
const AHEAD_ENTRIES = 64 * BUNDLE_ENTRIES;
const MAX_STEP_ENTRIES = 4_096 * BUNDLE_ENTRIES;
/** Callers that are told apart, and exports of one of them side by side; the oldest are forgotten, which costs an entry more. */
const MAX_CALLERS = 10_000;
const MAX_EXPORTS = 4;

/** Entries up to `end` that an entry of the read log names; `recorded` resolves when that one is durable. */
interface Part {
  readonly end: number;
  readonly recorded: Promise<void>;
}

/** What one caller fetches of one trail, as far as it is recorded: neighbouring parts from `first` on. */
interface Export {
  readonly first: number;
  readonly untilMs: number;
  readonly parts: Part[];
  /** Bundles that were fetched: an export takes each once. */
  readonly fetched: Set<number>;
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
 * An entry stands for its range until the time that it states, once for each bundle: fetching one again is another export.
 */
export class BundleReads {
  readonly #readLog: ReadLog;
  readonly #nowMs: () => number;
  /** By caller and trail, in the order of their newest beginnings. */
  readonly #exports = new Map<string, Export[]>();

  constructor(readLog: ReadLog, nowMs: () => number) {
    this.#readLog = readLog;
    this.#nowMs = nowMs;
  }

  /** Resolves when an entry that covers the fetch is durable. */
  async record(caller: Caller, fetch: BundleFetch): Promise<void> {
    const key = `${caller.grant.keyId} ${caller.ip} ${fetch.trail}`;
    const nowMs = this.#nowMs();
    const known = (this.#exports.get(key) ?? []).filter(({ untilMs }) => nowMs < untilMs);
    const bundle = Math.floor(fetch.first / BUNDLE_ENTRIES);
    const found = known.find((each) => belongs(each, fetch.first) && !each.fetched.has(bundle));
    try {
      if (found === undefined) await this.#begin(key, known, caller, fetch);
      else await this.#goOn(found, caller, fetch);
    } catch (cause) {
      // Nothing may be answered on the strength of an entry that is not there.
      this.#exports.delete(key);
      throw cause;
    }
  }

  #begin(key: string, known: readonly Export[], caller: Caller, fetch: BundleFetch): Promise<void> {
    const { first, end, bytesOut } = fetch;
    const untilMs = this.#nowMs() + VALID_MS;
    const recorded = this.#write(caller, fetch.trail, { first, end, untilMs, bytesOut });
    const fetched = new Set([Math.floor(first / BUNDLE_ENTRIES)]);
    const begun: Export = { first, end, untilMs, fetched, parts: [{ end, recorded }], stepEntries: BUNDLE_ENTRIES };
    this.#exports.delete(key);
    this.#forget();
    this.#exports.set(key, [...known, begun].slice(-MAX_EXPORTS));
    return recorded;
  }

  /** Drops what no longer counts: the map is in the order of time. */
  #forget(): void {
    const nowMs = this.#nowMs();
    for (const [key, exports] of this.#exports) {
      const isOver = exports.every(({ untilMs }) => untilMs <= nowMs);
      if (!isOver && this.#exports.size < MAX_CALLERS) return;
      this.#exports.delete(key);
    }
  }

  async #goOn(found: Export, caller: Caller, fetch: BundleFetch): Promise<void> {
    found.fetched.add(Math.floor(fetch.first / BUNDLE_ENTRIES));
    if (fetch.end > found.end) {
      const first = found.end;
      found.stepEntries = Math.min(MAX_STEP_ENTRIES, found.stepEntries * 2);
      found.end = Math.max(fetch.end, Math.min(fetch.publishedSize, first + found.stepEntries));
      const { end, untilMs } = found;
      found.parts.push({ end, recorded: this.#write(caller, fetch.trail, { first, end, untilMs }) });
    }
    const from = found.parts.findIndex(({ end }) => end > fetch.first);
    const last = found.parts.findIndex(({ end }) => end >= fetch.end);
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

function belongs({ first, end }: Export, at: number): boolean {
  return at >= first && at <= end + AHEAD_ENTRIES;
}
