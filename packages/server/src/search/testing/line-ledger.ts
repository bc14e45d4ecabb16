import type { CommittedBatch, LedgerReader, TrailInfo } from "../../ledger/index.ts";

const bundle = 256;

/** The reading side of a ledger over lines in memory: for tests that need lines of their own making. */
export class LineLedger implements LedgerReader {
  readonly #lines = new Map<string, Uint8Array[]>();
  readonly #listeners = new Set<(batch: CommittedBatch) => void>();

  /** Commits lines to a trail, made when it is new. */
  commit(trail: string, lines: readonly string[]): void {
    const stored = this.#lines.get(trail) ?? [];
    this.#lines.set(trail, stored);
    const entries = lines.map((line) => Buffer.from(line));
    const first = stored.length;
    stored.push(...entries);
    for (const listener of this.#listeners) listener({ trail, first, entries });
  }

  /** All lines of a trail. */
  lines(trail: string): readonly Uint8Array[] {
    return this.#lines.get(trail) ?? [];
  }

  sizes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.trails().map(({ name, size }) => [name, size]));
  }

  trails(): readonly TrailInfo[] {
    return [...this.#lines].map(([name, { length: size }]) => ({
      name,
      tenant: "acme",
      system: false,
      origin: name,
      genesis: [],
      keys: [],
      created: "2026-03-01T00:00:00.000000000Z",
      size,
      publishedSize: size,
      sealedSize: 0,
    }));
  }

  trail(name: string): TrailInfo | undefined {
    return this.trails().find((trail) => trail.name === name);
  }

  entry(trail: string, index: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.lines(trail)[index]);
  }

  async *entries(trail: string, from: number, to: number): AsyncGenerator<{ first: number; entries: Uint8Array[] }> {
    for (let first = from; first < to; ) {
      const end = Math.min(to, (Math.floor(first / bundle) + 1) * bundle);
      yield await Promise.resolve({ first, entries: this.lines(trail).slice(first, end) });
      first = end;
    }
  }

  onCommit(listener: (batch: CommittedBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
