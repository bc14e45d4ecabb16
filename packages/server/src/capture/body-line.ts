/** One record of a body, not yet parsed. `line` counts from 1: the line of NDJSON, the element of an array, 1 for an object. */
export type BodyLine =
  | { readonly kind: "text"; readonly line: number; readonly text: string }
  | { readonly kind: "invalid_utf8"; readonly line: number; readonly bytes: Uint8Array; readonly sizeBytes: number }
  /** Longer than the limit: `bytes` is its beginning, `sizeBytes` its whole length. */
  | { readonly kind: "line_too_long"; readonly line: number; readonly bytes: Uint8Array; readonly sizeBytes: number };

/** What a body turned out to be. */
export type BodyShape = "object" | "array" | "lines";

/** Records that arrived together, in order; at most 1,000 of them and about 1 MiB. */
export interface BodyChunk {
  readonly shape: BodyShape;
  readonly lines: readonly BodyLine[];
}

/** Bounds of a body, in bytes. */
export interface BodyLimits {
  /** Of the whole body after decompression. */
  readonly bodyBytes: number;
  /** Of one record; a longer one is kept in quarantine with its beginning only. */
  readonly lineBytes: number;
}

/** How much of a record over the limit is kept. */
export const KEPT_BYTES = 64 * 1024;
export const CHUNK_LINES = 1_000;
export const CHUNK_BYTES = 1024 * 1024;
