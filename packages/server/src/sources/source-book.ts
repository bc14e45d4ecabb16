import type { CommittedBatch, LedgerReader } from "../ledger/index.ts";
import { readFacts } from "./read-facts.ts";
import { readSnapshot, writeSnapshot } from "./snapshot-file.ts";
import { emptySource, foldFacts, type SourceState } from "./source-state.ts";

const SAVE_MS = 60_000;
const RETRY_MS = 5_000;
/** Sources of one trail; what comes beyond them is counted together. */
const MAX_SOURCES = 10_000;
/** Name for records whose source is not known, and for sources beyond the bound. */
export const UNKNOWN_SOURCE = "(unknown)";

export interface SourceBookOptions {
  readonly ledger: LedgerReader;
  /** File of the snapshot; rebuilt from the trails when it is deleted. */
  readonly path: string;
  /** Told when the trails or the snapshot cannot be read or written. */
  readonly onAlarm: (detail: string) => void;
}

/**
 * Keeps the state of every source: folded from the entries of the trails as they are committed, from a snapshot on. Duplicates, which
 * trails do not hold, are counted as they are told; a snapshot that is lost takes their number with it.
 */
export class SourceBook {
  readonly #options: SourceBookOptions;
  readonly #trails = new Map<string, Map<string, SourceState>>();
  readonly #next = new Map<string, number>();
  readonly #unsubscribe: () => void;
  readonly #timer: NodeJS.Timeout;
  #catching: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isChanged = false;
  #isClosed = false;

  constructor(options: SourceBookOptions) {
    this.#options = options;
    const { ledger } = options;
    const snapshot = readSnapshot(options.path);
    // A snapshot that is ahead of a trail is of another store.
    const isOurs = Object.entries(snapshot?.positions ?? {}).every(
      ([trail, size]) => size <= (ledger.trail(trail)?.size ?? -1),
    );
    if (snapshot !== undefined && isOurs) {
      for (const [trail, size] of Object.entries(snapshot.positions)) this.#next.set(trail, size);
      for (const state of snapshot.sources) this.#sourcesOf(state.trail).set(state.source, state);
    }
    this.#unsubscribe = ledger.onCommit((batch) => this.#onCommit(batch));
    this.#timer = setInterval(() => this.#save(), SAVE_MS).unref();
    this.#catchUp();
  }

  /** The sources of a trail, those that came last first. */
  sources(trail: string): readonly SourceState[] {
    const found = [...(this.#trails.get(trail)?.values() ?? [])];
    return found.sort((left, right) => right.lastReceivedMs - left.lastReceivedMs);
  }

  /** Entries of a trail that are not counted yet. */
  behind(trail: string): number {
    return Math.max(0, (this.#options.ledger.trail(trail)?.size ?? 0) - (this.#next.get(trail) ?? 0));
  }

  /** Counts an event that was there already. */
  noteDuplicate(trail: string, source: string | undefined): void {
    this.#stateOf(trail, source).duplicates += 1;
    this.#isChanged = true;
  }

  /** Resolves when everything committed is counted. */
  async settled(): Promise<void> {
    while (this.#catching !== undefined) await this.#catching;
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    this.#save();
  }

  #sourcesOf(trail: string): Map<string, SourceState> {
    const known = this.#trails.get(trail) ?? new Map<string, SourceState>();
    this.#trails.set(trail, known);
    return known;
  }

  #stateOf(trail: string, source: string | undefined): SourceState {
    const sources = this.#sourcesOf(trail);
    const name =
      source === undefined || (sources.size >= MAX_SOURCES && !sources.has(source)) ? UNKNOWN_SOURCE : source;
    const state = sources.get(name) ?? emptySource(trail, name);
    sources.set(name, state);
    return state;
  }

  #onCommit({ trail, first, entries }: CommittedBatch): void {
    const next = this.#next.get(trail) ?? 0;
    if (first > next) this.#catchUp();
    else if (first + entries.length > next) this.#fold(trail, next, entries.slice(next - first));
  }

  #fold(trail: string, first: number, entries: readonly Uint8Array[]): void {
    this.#next.set(trail, first + entries.length);
    this.#isChanged = true;
    if (this.#options.ledger.trail(trail)?.system === true) return;
    for (const [i, entry] of entries.entries()) {
      const facts = readFacts(entry);
      if (facts !== undefined) foldFacts(this.#stateOf(trail, facts.source), facts, first + i);
    }
  }

  #catchUp(): void {
    this.#catching ??= this.#readMissing()
      .catch((cause: unknown) => {
        this.#options.onAlarm(
          `the sources could not be counted: ${cause instanceof Error ? cause.message : String(cause)}`,
        );
        if (!this.#isClosed) this.#retry = setTimeout(() => this.#catchUp(), RETRY_MS).unref();
      })
      .finally(() => {
        this.#catching = undefined;
      });
  }

  async #readMissing(): Promise<void> {
    const { ledger } = this.#options;
    for (;;) {
      const trail = ledger.trails().find(({ name }) => this.behind(name) > 0);
      if (trail === undefined || this.#isClosed) return;
      for await (const { first, entries } of ledger.entries(trail.name, this.#next.get(trail.name) ?? 0, trail.size)) {
        if (this.#isClosed) return;
        this.#onCommit({ trail: trail.name, first, entries });
      }
    }
  }

  #save(): void {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    const sources = [...this.#trails.values()].flatMap((states) => [...states.values()]);
    try {
      writeSnapshot(this.#options.path, { positions: Object.fromEntries(this.#next), sources });
    } catch (cause) {
      this.#options.onAlarm(
        `the snapshot of the sources could not be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      );
    }
  }
}
