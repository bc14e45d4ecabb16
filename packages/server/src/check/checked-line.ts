import type { Problem, QuarantineWhy } from "@evident/core";
import type { Draft } from "../ledger/index.ts";

/** Who sends: what the API key says about its events. */
export interface Producer {
  /** Id of the API key. */
  readonly key: string;
  readonly tenant: string;
  /** Sources the key may speak for; empty: any of its tenant. */
  readonly sources: readonly string[];
}

/** A record after its check, ready to be stored as an entry or in quarantine. */
export interface CheckedLine {
  /** Counted from 1. */
  readonly line: number;
  readonly id?: string;
  readonly source?: string;
  readonly kind: "store" | "quarantine";
  readonly draft: Draft;
  readonly reasons?: readonly Problem[];
  /** The record as sent, to quarantine it should its identity turn out to be taken. */
  readonly raw: string | Uint8Array;
}

/** A checked record, and where its identity stands with other content. */
export interface Conflict {
  readonly line: CheckedLine;
  readonly first: { readonly trail: string; readonly index: number };
}

/** A record that cannot be stored as it is. */
export interface Refusal {
  readonly line: number;
  readonly why: QuarantineWhy;
  readonly reasons: readonly Problem[];
  readonly raw: string | Uint8Array;
  /** Whole length when `raw` is only the beginning. */
  readonly sizeBytes?: number;
  readonly id?: string;
  readonly source?: string;
  readonly adapter?: string;
  readonly first?: { readonly trail: string; readonly index: number };
}
