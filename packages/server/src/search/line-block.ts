import { isAscii } from "node:buffer";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** Rows of one compressed block of lines; only the last block of a file holds fewer. */
export const lineBlockRows = 64;

/** One stored line and where it lies; `trail` is a code of the trail column's dictionary. */
export interface PlacedLine {
  readonly trail: number;
  readonly index: number;
  readonly line: Uint8Array;
}

const maxBlockBytes = lineBlockRows * (65_535 + 24) + 16;

class VarintWriter {
  private bytes = Buffer.allocUnsafe(4_096);
  private length = 0;

  write(value: number): void {
    if (this.length + 10 > this.bytes.length)
      this.bytes = Buffer.concat([this.bytes, Buffer.allocUnsafe(this.bytes.length)]);
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  done(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
}

function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

/**
 * Compresses lines with their places: zstd over varints (count, then trail, index difference and length per line),
 * followed by the lines.
 */
export function encodeLineBlock(lines: readonly PlacedLine[]): Buffer {
  const header = new VarintWriter();
  header.write(lines.length);
  for (const { trail } of lines) header.write(trail);
  let before = 0;
  for (const { index } of lines) {
    header.write(zigzag(index - before));
    before = index;
  }
  for (const { line } of lines) header.write(line.length);
  const raw = Buffer.concat([header.done(), ...lines.map(({ line }) => line)]);
  // The checksum tells a damaged block from a changed line.
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };
  return zstdCompressSync(raw, { params });
}

/** A decoded block; line `n` is `bytes[starts[n], starts[n + 1])`. */
export class LineBlock {
  readonly count: number;
  readonly bytes: Buffer;
  private readonly trails: number[] = [];
  private readonly indexes: number[] = [];
  private readonly starts: number[] = [];
  private at = 0;
  private holding: { readonly needle: string; readonly rows: ReadonlySet<number> | undefined } | undefined;

  constructor(compressed: Uint8Array) {
    this.bytes = zstdDecompressSync(compressed, { maxOutputLength: maxBlockBytes });
    this.count = this.readVarint();
    for (let row = 0; row < this.count; row++) this.trails.push(this.readVarint());
    let index = 0;
    for (let row = 0; row < this.count; row++) {
      const step = this.readVarint();
      index += step % 2 === 0 ? step / 2 : -(step + 1) / 2;
      this.indexes.push(index);
    }
    const lengths: number[] = [];
    for (let row = 0; row < this.count; row++) lengths.push(this.readVarint());
    this.starts.push(this.at);
    for (const length of lengths) {
      this.at += length;
      this.starts.push(this.at);
    }
    if (this.at !== this.bytes.length) throw new RangeError("a block of lines has another length than its header says");
  }

  private readVarint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      if (byte === undefined || scale > 2 ** 56) throw new RangeError("a block of lines is cut short");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  trail(row: number): number {
    return this.trails[row] ?? 0;
  }

  index(row: number): number {
    return this.indexes[row] ?? 0;
  }

  /**
   * Whether a line may hold a run of ASCII letters and digits, given in lower case, in any case. Only ASCII is looked
   * through: other letters may fold to these.
   */
  mayHold(row: number, needle: string): boolean {
    if (this.holding?.needle !== needle) this.holding = { needle, rows: this.rowsWith(needle) };
    return this.holding.rows === undefined || this.holding.rows.has(row);
  }

  /** The lines that hold a run; undefined when it cannot be told. */
  private rowsWith(needle: string): ReadonlySet<number> | undefined {
    const base = this.starts[0] ?? 0;
    const lines = this.bytes.subarray(base);
    if (!isAscii(lines)) return undefined;
    const text = lines.toString("latin1").toLowerCase();
    const rows = new Set<number>();
    let row = 0;
    for (let at = text.indexOf(needle); at >= 0; ) {
      while (at + base >= (this.starts[row + 1] ?? Number.POSITIVE_INFINITY)) row++;
      const end = (this.starts[row + 1] ?? 0) - base;
      // A run found over a border is in neither line.
      const isWithin = at + needle.length <= end;
      if (isWithin) rows.add(row);
      at = text.indexOf(needle, isWithin ? end : at + 1);
    }
    return rows;
  }

  /** A view of the block's memory, not a copy. */
  line(row: number): Buffer {
    return this.bytes.subarray(this.starts[row], this.starts[row + 1]);
  }
}
