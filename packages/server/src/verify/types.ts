/** What outside evidence the newest verified head stands on. `none`: consistent with its own key only. */
export interface Anchor {
  readonly kind: "none" | "remembered" | "witnessed" | "timestamped";
  /** Size that the anchor covers (of the trail `evident` for a whole store). */
  readonly size: number;
}

export type ProblemKind =
  | "edited"
  | "missing"
  | "reordered"
  | "truncated"
  | "rolled_back"
  | "forked"
  | "signature"
  | "stray"
  | "malformed"
  | "torn_tail"
  | "interrupted";

/** One thing that is wrong: where (trail and index or range, or a file) and what. `gap` problems make the verdict `gaps`, others `failed`. */
export interface VerifyProblem {
  readonly trail: string;
  /** First entry concerned; null when the problem is not about entries. */
  readonly index: number | null;
  /** End of the range (exclusive) when more than one entry is concerned. */
  readonly end?: number;
  readonly kind: ProblemKind;
  readonly severity: "failed" | "gap";
  readonly file?: string;
  readonly detail: string;
}

export interface VerifyReport {
  readonly verdict: "verified" | "gaps" | "failed";
  readonly anchor: Anchor;
  /** Entries whose leaf hash was recomputed and found under a signed root. */
  readonly entries: number;
  readonly trails: readonly {
    readonly trail: string;
    readonly origin: string;
    readonly size: number;
    readonly root: string;
    readonly anchor: Anchor;
  }[];
  /** What could not be checked and why, in words. */
  readonly unchecked: readonly string[];
  readonly problems: readonly VerifyProblem[];
}

export interface VerifyProgress {
  readonly trail: string;
  readonly done: number;
  readonly total: number;
}

export interface VerifyOptions {
  /** Trusted verifier keys (genesis): of `evident` for a directory, of each trail for a URL. Absent: the store's own statement, anchor at best `remembered`. */
  readonly keys?: readonly string[];
  /** File of remembered heads, one per origin; undefined: neither read nor written. */
  readonly rememberFile?: string;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly workers?: number;
  readonly signal?: AbortSignal;
}
