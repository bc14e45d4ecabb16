import type { CommittedBatch, LedgerReader } from "../ledger/index.ts";

/** A page request. Times are RFC 3339 UTC, compared with `event.time.occurred` (`received` for entries without an event). */
export interface SearchQuery {
  /** Search language; empty or absent matches everything. */
  readonly text?: string;
  /** Only these trails; the caller has already limited them to what the reader may see. */
  readonly trails: readonly string[];
  readonly from?: string;
  readonly to?: string;
  /** Opaque keyset cursor of the previous page. */
  readonly cursor?: string;
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
  readonly hits: readonly Hit[];
  /** Present when there may be more. */
  readonly cursor?: string;
  /** Index position per trail when the query ran: entries at or above it were not searched. */
  readonly indexed: Readonly<Record<string, number>>;
}

export interface StatsQuery extends Omit<SearchQuery, "limit" | "order" | "cursor"> {
  /** Histogram bucket in milliseconds; chosen for about 60 buckets when absent. */
  readonly intervalMs?: number;
  /** Fields to count the most frequent values of, at most 10. */
  readonly top?: readonly string[];
  readonly topLimit?: number;
}

export interface Stats {
  readonly count: number;
  readonly intervalMs: number;
  readonly buckets: readonly {
    readonly from: string;
    readonly count: number;
    readonly byStatus: Readonly<Record<string, number>>;
  }[];
  readonly top: Readonly<Record<string, readonly { readonly value: string; readonly count: number }[]>>;
  readonly indexed: Readonly<Record<string, number>>;
}

/** Index against ledger, per trail: counts, and a hash over (index, leaf) of every indexed entry. */
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

export interface Search {
  query(query: SearchQuery): Promise<SearchPage>;
  stats(query: StatsQuery): Promise<Stats>;
  /** Entries with this event id in the given trails. */
  find(id: string, trails: readonly string[]): Promise<readonly Hit[]>;
  /** Number of indexed entries per trail; they are always a prefix of the trail. */
  indexed(): Readonly<Record<string, number>>;
  /** Resolves when every trail is indexed up to the given sizes, or the signal aborts. */
  waitIndexed(sizes: Readonly<Record<string, number>>, signal?: AbortSignal): Promise<void>;
  /** `full` recomputes the hash over every entry; otherwise counts only. */
  reconcile(options: { readonly full: boolean }): Promise<Reconciliation>;
  close(): Promise<void>;
}

/** `dir` is `data/index`; anything in it may be deleted and is rebuilt from the ledger at the next start. */
export interface SearchOptions {
  readonly dir: string;
  readonly ledger: LedgerReader;
  readonly segmentRows?: number;
  /** DuckDB memory limit, default 512 MiB. */
  readonly memoryBytes?: number;
  readonly onBehind?: (entries: number) => void;
}

export type { CommittedBatch, LedgerReader };
