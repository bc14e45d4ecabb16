import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { CommittedBatch, LedgerReader, TrailInfo } from "@evident/server";
import { makeEvents } from "./search-events.ts";

const BUNDLE = 256;
export const TRAIL = "main";

/** Lines of a made log in a file, and where each bundle of 256 begins. */
export interface LineFile {
  readonly file: string;
  readonly count: number;
  readonly offsets: readonly number[];
}

/** Writes the lines of `count` made events. */
export function writeLineFile(file: string, count: number): LineFile {
  const { line } = makeEvents(count);
  const offsets = [0];
  const output = openSync(file, "w");
  for (let first = 0; first < count; first += BUNDLE) {
    const lines = Array.from({ length: Math.min(BUNDLE, count - first) }, (_, at) => `${line(first + at)}\n`);
    const bytes = Buffer.from(lines.join(""));
    writeSync(output, bytes);
    offsets.push((offsets.at(-1) ?? 0) + bytes.length);
  }
  closeSync(output);
  return { file, count, offsets };
}

/** Lines of a buffer, without their ends. */
export function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

/** Reads one bundle. */
function readBundle(input: number, { offsets }: LineFile, bundle: number): Buffer[] {
  const start = offsets[bundle] ?? 0;
  const bytes = Buffer.allocUnsafe((offsets[bundle + 1] ?? start) - start);
  readSync(input, bytes, 0, bytes.length, start);
  return splitLines(bytes);
}

/**
 * The reading side of a ledger over made lines: what the index costs is measured without a ledger's own work. `grow`
 * commits the next lines, `size` counts what is committed.
 */
export class LineFileLedger implements LedgerReader {
  readonly #lines: LineFile;
  readonly #input: number;
  readonly #listeners = new Set<(batch: CommittedBatch) => void>();
  #size: number;

  constructor(lines: LineFile, size: number) {
    this.#lines = lines;
    this.#input = openSync(lines.file, "r");
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** Commits the next bundle; false at the end. */
  grow(): boolean {
    if (this.#size >= this.#lines.count) return false;
    const first = this.#size;
    const entries = readBundle(this.#input, this.#lines, Math.floor(first / BUNDLE));
    this.#size += entries.length;
    for (const listener of this.#listeners) listener({ trail: TRAIL, first, entries });
    return true;
  }

  trails(): readonly TrailInfo[] {
    const size = this.#size;
    const fixed = { tenant: "acme", system: false, origin: TRAIL, genesis: [], keys: [], created: "" };
    return [{ ...fixed, name: TRAIL, size, publishedSize: size, sealedSize: size }];
  }

  trail(name: string): TrailInfo | undefined {
    return this.trails().find((trail) => trail.name === name);
  }

  entry(_trail: string, index: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(readBundle(this.#input, this.#lines, Math.floor(index / BUNDLE))[index % BUNDLE]);
  }

  async *entries(_trail: string, from: number, to: number): AsyncGenerator<{ first: number; entries: Buffer[] }> {
    for (let first = from; first < to; ) {
      const start = Math.floor(first / BUNDLE) * BUNDLE;
      const end = Math.min(to, start + BUNDLE);
      const lines = readBundle(this.#input, this.#lines, start / BUNDLE);
      yield await Promise.resolve({ first, entries: lines.slice(first - start, end - start) });
      first = end;
    }
  }

  onCommit(listener: (batch: CommittedBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
