import type { FoundFile } from "./find-files.ts";
import type { Generation } from "./generation.ts";

/** What is known of a file at which nothing is to be done until it changes. */
export interface Settled {
  /** Its content is read elsewhere. */
  readonly copyOf?: Generation;
  /** Bytes by which it was taken for a copy. */
  readonly copiedBytes?: number;
  /** When it is looked at again although it has not changed. */
  readonly untilMs?: number;
  /** It may become whole by then. */
  readonly isGrowing?: boolean;
}

type Stat = Pick<FoundFile, "file" | "sizeBytes" | "mtimeMs">;

/** Files that need not be opened again with every look at the names. */
export class SettledFiles {
  readonly #files = new Map<string, Settled & Stat>();

  settle({ file, sizeBytes, mtimeMs }: Stat, settled: Settled = {}): void {
    this.#files.set(file, { file, sizeBytes, mtimeMs, ...settled });
  }

  /** Whether there is still nothing to be done. */
  has({ file, sizeBytes, mtimeMs }: Stat, isPresent: (generation: Generation) => boolean): boolean {
    const settled = this.#files.get(file);
    if (settled === undefined || settled.sizeBytes !== sizeBytes || settled.mtimeMs !== mtimeMs) return false;
    const { copyOf, copiedBytes, untilMs } = settled;
    if (copyOf !== undefined && (!isPresent(copyOf) || copyOf.head.at !== copiedBytes)) return false;
    return untilMs === undefined || untilMs > Date.now();
  }

  /** Whether a file may become whole in a moment. */
  get isWaiting(): boolean {
    const nowMs = Date.now();
    return this.#files.values().some(({ isGrowing, untilMs = 0 }) => isGrowing === true && untilMs > nowMs);
  }

  delete(file: string): void {
    this.#files.delete(file);
  }

  /** Forgets files that are not there any more. */
  keep(files: ReadonlyMap<string, unknown>): void {
    for (const file of this.#files.keys()) if (!files.has(file)) this.#files.delete(file);
  }
}
