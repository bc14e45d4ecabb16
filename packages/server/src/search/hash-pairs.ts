import { appendColumns, type DuckDBAppender, UINTEGER } from "./duck.ts";

/** Positions are below this, so that hash and position together are an exact double. */
const positionLimit = 2 ** 21;

class PairBucket {
  values = new Float64Array(256);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const grown = new Float64Array(this.values.length * 2);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.length++] = value;
  }
}

/**
 * Pairs of a 32-bit hash and a position below 2^21. They lie by the hash's first byte, so that a lookup reads a small
 * part of them and no sort takes long.
 */
export class HashPairs {
  private readonly buckets = Array.from({ length: 256 }, () => new PairBucket());
  count = 0;

  add(hash: number, position: number): void {
    this.count++;
    this.buckets[hash >>> 24]?.push(hash * positionLimit + position);
  }

  /** Positions of a hash. */
  find(hash: number): number[] {
    const bucket = this.buckets[hash >>> 24];
    if (bucket === undefined) return [];
    const low = hash * positionLimit;
    const high = low + positionLimit;
    const found: number[] = [];
    for (let at = 0; at < bucket.length; at++) {
      const value = bucket.values[at] ?? 0;
      if (value >= low && value < high) found.push(value - low);
    }
    return found;
  }

  /** Appends all pairs in order of hash and position, pausing between pieces. */
  async appendTo(appender: DuckDBAppender, pause: () => Promise<void>): Promise<void> {
    for (const bucket of this.buckets) {
      const sorted = bucket.values.slice(0, bucket.length).sort();
      const hashes = new Uint32Array(sorted.length);
      const positions = new Uint32Array(sorted.length);
      for (let at = 0; at < sorted.length; at++) {
        const value = sorted[at] ?? 0;
        const hash = Math.floor(value / positionLimit);
        hashes[at] = hash;
        positions[at] = value - hash * positionLimit;
      }
      const columns = [
        { type: UINTEGER, data: hashes },
        { type: UINTEGER, data: positions },
      ];
      appendColumns(appender, columns, sorted.length);
      await pause();
    }
  }
}
