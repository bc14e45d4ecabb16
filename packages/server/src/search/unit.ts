import type { Test } from "@evident/core";
import type { Bitmap } from "./bitmap.ts";
import type { LineBlock } from "./line-block.ts";
import type { Posting } from "./plan.ts";

/** Codes of a column that may match; `overflow` when rows with the overflow code may match as well. */
export interface MatchingCodes {
  readonly codes: readonly number[];
  readonly overflow: boolean;
}

/** Entries of one trail in a unit: `[first, end)`. */
export interface TrailSpan {
  readonly first: number;
  readonly end: number;
}

/**
 * A part of the index that is searched by itself: a hot table or a segment. Rows are numbered from 0 in order of
 * arrival; `rows` is fixed for the lifetime of the view.
 */
export interface Unit {
  readonly rows: number;
  /** Qualified name of a table (row, t, idx, ip, c0, c1, ...). It may hold rows beyond `rows`. */
  readonly table: string;
  /** Qualified name of a table (field, code, value). */
  readonly dictTable: string;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  /** Rows whose `t` does not tell whether they lie in a range of time. */
  readonly oddTimes: number;
  readonly trails: ReadonlyMap<string, TrailSpan>;
  trailCode(name: string): number | undefined;
  trailName(code: number): string;
  /** Rows in whose column the value did not fit into the dictionary. */
  overflowRows(column: number): number;
  /** Codes whose value, or one of whose values, passes the test; only among `among` where given. */
  codesWhere(column: number, test: Test, signal: AbortSignal, among?: ReadonlySet<number>): Promise<MatchingCodes>;
  /** Rows that may match the posting. */
  posting(posting: Posting, signal: AbortSignal): Promise<Bitmap>;
  /** The lines of rows `[block * lineBlockRows, (block + 1) * lineBlockRows)`. */
  readBlock(block: number): Promise<LineBlock>;
}
