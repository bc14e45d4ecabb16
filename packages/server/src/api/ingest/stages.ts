import type { Problem } from "@evident/core";
import type { Appended, Draft } from "../../ledger/index.ts";

/** A line of a body after its check, ready to be stored as an entry or in quarantine. */
export interface CheckedLine {
  /** Counted from 1. */
  readonly line: number;
  readonly id?: string;
  readonly kind: "store" | "quarantine";
  readonly draft: Draft;
  readonly reasons?: readonly Problem[];
}

/** What a body turned out to be. */
export type BodyShape = "object" | "array" | "lines";

/** Lines that arrived together, or the end of what could be read. */
export type CheckedChunk =
  | { readonly kind: "lines"; readonly shape: BodyShape; readonly lines: readonly CheckedLine[] }
  | { readonly kind: "broken"; readonly shape: BodyShape; readonly cause: unknown };

/** Stores a line whose identity stands elsewhere with other content. */
export type MakeConflict = (line: CheckedLine, first: Appended) => Promise<CheckedLine>;
