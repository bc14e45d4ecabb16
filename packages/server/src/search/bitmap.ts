/** A set of row numbers below a fixed size. */
export class Bitmap {
  readonly size: number;
  private readonly words: Uint32Array;

  constructor(size: number) {
    this.size = size;
    this.words = new Uint32Array((size + 31) >>> 5);
  }

  static of(size: number, rows: Iterable<number>): Bitmap {
    const bitmap = new Bitmap(size);
    for (const row of rows) bitmap.add(row);
    return bitmap;
  }

  static full(size: number): Bitmap {
    const bitmap = new Bitmap(size);
    bitmap.addRange(0, size);
    return bitmap;
  }

  /** Rows at or above the size are passed over: a lookup may know newer rows than the view that asks. */
  add(row: number): void {
    if (row >= this.size) return;
    const at = row >>> 5;
    this.words[at] = (this.words[at] ?? 0) | (1 << (row & 31));
  }

  /** Adds `[from, to)`. */
  addRange(from: number, to: number): void {
    const end = Math.min(to, this.size);
    let row = from;
    while (row < end) {
      if ((row & 31) === 0 && row + 32 <= end) {
        this.words[row >>> 5] = 0xffffffff;
        row += 32;
      } else this.add(row++);
    }
  }

  has(row: number): boolean {
    return ((this.words[row >>> 5] ?? 0) & (1 << (row & 31))) !== 0;
  }

  and(other: Bitmap): Bitmap {
    const both = new Bitmap(this.size);
    for (let at = 0; at < this.words.length; at++) both.words[at] = (this.words[at] ?? 0) & (other.words[at] ?? 0);
    return both;
  }

  or(other: Bitmap): Bitmap {
    const either = new Bitmap(this.size);
    for (let at = 0; at < this.words.length; at++) either.words[at] = (this.words[at] ?? 0) | (other.words[at] ?? 0);
    return either;
  }

  not(): Bitmap {
    const others = Bitmap.full(this.size);
    for (let at = 0; at < this.words.length; at++) others.words[at] = (others.words[at] ?? 0) & ~(this.words[at] ?? 0);
    return others;
  }

  isEmpty(): boolean {
    return this.words.every((word) => word === 0);
  }

  count(): number {
    let sum = 0;
    for (const word of this.words) {
      let rest = word - ((word >>> 1) & 0x55555555);
      rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333);
      sum += Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    return sum;
  }

  /** All rows, ascending. */
  rows(): number[] {
    const rows: number[] = [];
    for (let at = 0; at < this.words.length; at++) {
      let word = this.words[at] ?? 0;
      while (word !== 0) {
        rows.push(at * 32 + 31 - Math.clz32(word & -word));
        word &= word - 1;
      }
    }
    return rows;
  }
}
