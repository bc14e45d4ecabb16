/** Numbers that did not come, both ends included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** When the number behind it came, Unix ms. */
  readonly sinceMs: number;
}

/** A sender's own numbering as far as it has come. Plain JSON data. */
export interface Sequence {
  readonly first: number;
  readonly last: number;
  readonly lastMs: number;
  /** Oldest first, at most `MAX_GAPS`; what is older is in `missingBefore`. */
  readonly gaps: readonly Gap[];
  /** Numbers of gaps that are no longer listed. */
  readonly missingBefore: number;
  /** Times the numbers began again. */
  readonly resets: number;
}

export const MAX_GAPS = 64;

/** The sequence with one more number; numbers may come in any order and more than once. */
export function countNumber(sequence: Sequence | undefined, seq: number, atMs: number): Sequence {
  if (sequence === undefined) {
    return { first: seq, last: seq, lastMs: atMs, gaps: [], missingBefore: 0, resets: 0 };
  }
  const { first, last, gaps, missingBefore, resets } = sequence;
  if (seq === last + 1) return { ...sequence, last: seq, lastMs: atMs };
  if (seq > last) {
    const all = [...gaps, { from: last + 1, to: seq - 1, sinceMs: atMs }];
    const dropped = all.slice(0, Math.max(0, all.length - MAX_GAPS));
    return {
      ...sequence,
      last: seq,
      lastMs: atMs,
      gaps: all.slice(dropped.length),
      missingBefore: missingBefore + sizeOf(dropped),
    };
  }
  const at = gaps.findIndex(({ from, to }) => from <= seq && seq <= to);
  const gap = gaps[at];
  if (gap !== undefined)
    return { ...sequence, lastMs: atMs, gaps: [...gaps.slice(0, at), ...around(gap, seq), ...gaps.slice(at + 1)] };
  // Senders count from 0 or 1: what came late from before the first number is a gap closed, a small number again a new beginning.
  if (seq < first) return { ...sequence, first: seq, lastMs: atMs, gaps: [...between(seq, first, atMs), ...gaps] };
  if (seq <= 1 && last > 1) return { first: seq, last: seq, lastMs: atMs, gaps, missingBefore, resets: resets + 1 };
  return sequence;
}

function around({ from, to, sinceMs }: Gap, seq: number): readonly Gap[] {
  const before = from < seq ? [{ from, to: seq - 1, sinceMs }] : [];
  const after = seq < to ? [{ from: seq + 1, to, sinceMs }] : [];
  return [...before, ...after];
}

function between(seq: number, first: number, sinceMs: number): readonly Gap[] {
  return seq + 1 < first ? [{ from: seq + 1, to: first - 1, sinceMs }] : [];
}

function sizeOf(gaps: readonly Gap[]): number {
  return gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** Numbers that have not come. */
export function missingNumbers({ gaps, missingBefore }: Sequence): number {
  return missingBefore + sizeOf(gaps);
}
