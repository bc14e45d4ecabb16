/** A run of entries of one trail inside one WAL record: `bytes` is `count` times (u16 length, entry). */
export interface WalRun {
  readonly first: number;
  readonly count: number;
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly atMs: number;
}

/** Where each unsealed entry of a trail lies in the WAL: runs of at most 256 entries, in order, without holes. */
export class WalIndex {
  #runs: WalRun[] = [];
  #head = 0;
  sizeBytes = 0;

  push(run: WalRun): void {
    this.#runs.push(run);
    this.sizeBytes += run.sizeBytes;
  }

  get first(): WalRun | undefined {
    return this.#runs[this.#head];
  }

  /** Runs that hold any of `[from, to)`. */
  *covering(from: number, to: number): Generator<WalRun> {
    for (let i = this.#find(from); i < this.#runs.length; i += 1) {
      const run = this.#runs[i];
      if (run === undefined || run.first >= to) return;
      yield run;
    }
  }

  /** Forgets runs that lie wholly before `size`. */
  release(size: number): void {
    for (let run = this.first; run !== undefined && run.first + run.count <= size; run = this.first) {
      this.sizeBytes -= run.sizeBytes;
      this.#head += 1;
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Position of the last run that begins at or before `index`. */
  #find(index: number): number {
    let low = this.#head;
    let high = this.#runs.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle];
      if (run !== undefined && run.first <= index) low = middle;
      else high = middle;
    }
    return low;
  }
}
