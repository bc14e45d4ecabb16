import type { CommittedBatch, LedgerReader } from "../ledger/index.ts";

/** A page request. Times are RFC 3339 UTC, compared with `event.time.occurred` (`received` for entries without an event). */
export interface SearchQuery {
  /** Search language; empty or absent matches everything. */
  readonly text?: string;
  /** Only these trails; the caller has already limited them to what the reader may see. */
  readonly trails: readonly string[];
  /** Inclusive. */
  readonly from?: string;
  /** Exclusive. */
  readonly to?: string;
  /** Opaque keyset cursor of the previous page. */
  readonly cursor?: string;
  /** Begin behind this entry, in place of a cursor. */
  readonly after?: Hit;
  /** Unix ms that relative times in `text` are taken from; the clock when absent. */
  readonly nowMs?: number;
  /** 1 to 10,000. */
  readonly limit: number;
  readonly order: "newest" | "oldest";
}

export interface Hit {
  readonly trail: string;
  readonly index: number;
  /** The exact stored line. */
  readonly entry: Uint8Array;
}

export interface SearchPage {
  /** At most `limit`, and fewer when the lines together pass 16 MiB. */
  readonly hits: readonly Hit[];
  /** Present when there may be more. */
  readonly cursor?: string;
  /** Index position per trail when the query ran: entries at or above it were not searched. */
  readonly indexed: Readonly<Record<string, number>>;
}

export interface StatsQuery extends Omit<SearchQuery, "limit" | "order" | "cursor" | "after" | "nowMs"> {
  /** Histogram bucket in milliseconds; chosen for about 60 buckets when absent, raised when it would give over 2,000. */
  readonly intervalMs?: number;
  /** Fields to count the most frequent values of, at most 10. */
  readonly top?: readonly string[];
  /** 1 to 1,000, default 10. */
  readonly topLimit?: number;
}

export interface Stats {
  readonly count: number;
  readonly intervalMs: number;
  /** Only buckets that hold entries, in order; `byStatus` leaves entries without an outcome out. */
  readonly buckets: readonly {
    readonly from: string;
    readonly count: number;
    readonly byStatus: Readonly<Record<string, number>>;
  }[];
  /** An entry counts once for each of its distinct values of the field. Equal counts are ordered by value. */
  readonly top: Readonly<Record<string, readonly { readonly value: string; readonly count: number }[]>>;
  readonly indexed: Readonly<Record<string, number>>;
}

/**
 * Index against ledger, per trail. `indexed` counts rows. `missing`: entries below the index position without a row;
 * those above it only wait. `mismatched`: rows that differ from their entry, stand twice, or have no entry.
 */
export interface Reconciliation {
  readonly trails: readonly {
    readonly trail: string;
    readonly ledger: number;
    readonly indexed: number;
    readonly missing: number;
    readonly mismatched: number;
  }[];
  readonly agrees: boolean;
}

/** Numbers for metrics. `behind` counts committed entries that are not searchable yet. */
export interface SearchCounters {
  readonly rows: number;
  readonly hotRows: number;
  readonly segments: number;
  readonly seals: number;
  readonly queries: number;
  readonly behind: number;
  /** Times the queue was dropped and the index caught up from the ledger. */
  readonly catchUps: number;
  /** Times the worker ended by itself and was started again. */
  readonly restarts: number;
}

/** A query stops soon after `signal` aborts and rejects with the signal's reason. */
export interface Search {
  /** @throws EvidentError `bad_request`, `overloaded`, `not_ready` while the index starts again, `internal` */
  query(query: SearchQuery, signal?: AbortSignal): Promise<SearchPage>;
  /** @throws EvidentError as `query` */
  stats(query: StatsQuery, signal?: AbortSignal): Promise<Stats>;
  /** Entries with this event id in the given trails, newest first. */
  find(id: string, trails: readonly string[], signal?: AbortSignal): Promise<readonly Hit[]>;
  /** Number of indexed entries per trail; they are always a prefix of the trail. */
  indexed(): Readonly<Record<string, number>>;
  /** Resolves when every trail is indexed up to the given sizes, or the signal aborts. */
  waitIndexed(sizes: Readonly<Record<string, number>>, signal?: AbortSignal): Promise<void>;
  /** `full` compares every entry, byte by byte and column by column; otherwise counts only. */
  reconcile(options: { readonly full: boolean; readonly signal?: AbortSignal }): Promise<Reconciliation>;
  counters(): SearchCounters;
  close(): Promise<void>;
}

/** `dir` is `data/index`; the index lies in `search` below it and is rebuilt from the ledger when it is deleted. */
export interface SearchOptions {
  readonly dir: string;
  readonly ledger: LedgerReader;
  /** Rows of a sealed segment, 1,024 to 1,048,576; default 1,048,576. */
  readonly segmentRows?: number;
  /** DuckDB memory limit, default 512 MiB. */
  readonly memoryBytes?: number;
  readonly onBehind?: (entries: number) => void;
  /** What was unusual: the index is rebuilt, its thread was started again, or the ledger could not be read. */
  readonly onAlarm?: (alarm: { readonly kind: "rebuilding" | "restarted" | "stuck"; readonly detail: string }) => void;
}

export type { CommittedBatch, LedgerReader };
