import { EvidentError, toBase64 } from "@evident/core";
import { type LedgerFailure, passes } from "../ledger-failure.ts";
import type { Storage, Wal } from "../storage/index.ts";
import { type EntryReader, pathOf, sealedEnd, segmentsEnd, type Trail } from "../trail/index.ts";
import type { AppendStatement } from "../types.ts";
import { checkSealedFile, writeSealedFile } from "./seal-file.ts";

const BUNDLE_ENTRIES = 256;

export interface SealerOptions {
  readonly storage: Storage;
  readonly wal: Wal;
  readonly reader: EntryReader;
  readonly trails: () => Iterable<Trail>;
  readonly appendStatement: AppendStatement;
  readonly nowMs: () => number;
  /** Seal when a trail has this many unsealed entries in whole bundles. */
  readonly segmentEntries: number;
  readonly segmentBytes: number;
  readonly sealAgeMs: number;
  /** Seal the trails that hold the oldest WAL file when the WAL is larger than this. */
  readonly walBytes: number;
  /** Blobs of published entries get their names before the entries are sealed. */
  readonly finishBlobs: () => Promise<void>;
  /** Sealing waits for disk space; called once each time that begins. */
  readonly onLate: (detail: string) => void;
  readonly failure: LedgerFailure;
}

/** A file of entries `[first, end)` that is being sealed. */
export interface FileToSeal {
  readonly kind: "segment" | "tail";
  readonly name: string;
  readonly first: number;
  readonly end: number;
}

/**
 * Moves entries from the WAL into immutable files: written, read back and compared with the tree, their digest recorded in `evident`,
 * and only then is the WAL released.
 */
export class Sealer {
  readonly #options: SealerOptions;
  /** A file that was begun and is not recorded yet. A full disk may have come between; it is finished before another is begun. */
  readonly #begun = new Map<Trail, FileToSeal>();
  /** Superseded files that are still to be removed. */
  readonly #superseded = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #isLate = false;

  constructor(options: SealerOptions) {
    this.#options = options;
  }

  start(intervalMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#look(intervalMs), intervalMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#queue.catch(() => undefined);
  }

  /** Seals what count, size, age or WAL pressure demand. */
  async sealDue(): Promise<void> {
    const { segmentEntries, segmentBytes, sealAgeMs, walBytes, wal } = this.#options;
    const oldest = this.#oldestFile();
    for (const trail of this.#options.trails()) {
      const run = trail.wal.first;
      if (run === undefined || this.#stopped) continue;
      const full = trail.published.size - segmentsEnd(trail) >= segmentEntries || trail.wal.sizeBytes >= segmentBytes;
      const aged = this.#options.nowMs() - run.atMs >= sealAgeMs;
      const pressed = wal.totalBytes > walBytes && run.file === oldest;
      if (full || aged || pressed) await this.seal(trail, { tail: aged || pressed });
    }
  }

  seal(trail: Trail, options: { readonly tail: boolean }): Promise<void> {
    return this.#alone(() => this.#seal(trail, options.tail));
  }

  /** Records a file that is written already, as a crash leaves it. */
  finish(trail: Trail, file: FileToSeal): Promise<void> {
    return this.#alone(() => this.#finish(trail, file));
  }

  /** Finishes what a full disk has interrupted, so that a clean stop leaves nothing unexplained. */
  async finishBegun(): Promise<void> {
    for (const trail of this.#begun.keys()) await this.#alone(() => this.#finishBegun(trail));
    await this.#alone(() => this.#removeSuperseded());
  }

  async #look(intervalMs: number): Promise<void> {
    const { failure, onLate } = this.#options;
    try {
      await this.sealDue();
      this.#isLate = false;
    } catch (cause) {
      if (!passes(cause)) {
        failure.fail(cause);
        return;
      }
      if (!this.#isLate && cause instanceof Error) onLate(`sealing waits: ${cause.message}`);
      this.#isLate = true;
    }
    this.start(intervalMs);
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(() => this.#options.failure.guard(work));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #seal(trail: Trail, withTail: boolean): Promise<void> {
    const size = trail.published.size;
    await this.#options.finishBlobs();
    await this.#finishBegun(trail);
    const wholeEnd = size - (size % BUNDLE_ENTRIES);
    for (let first = segmentsEnd(trail); first < wholeEnd; first = segmentsEnd(trail)) {
      const end = Math.min(wholeEnd, first + this.#options.segmentEntries);
      await this.#write(trail, { kind: "segment", name: pathOf.segment(trail.name, first), first, end });
    }
    if (withTail && size > wholeEnd && sealedEnd(trail) < size) {
      await this.#write(trail, {
        kind: "tail",
        name: pathOf.tail(trail.name, wholeEnd, size),
        first: wholeEnd,
        end: size,
      });
    }
  }

  async #write(trail: Trail, file: FileToSeal): Promise<void> {
    const { storage, reader } = this.#options;
    this.#begun.set(trail, file);
    await writeSealedFile(storage.objects, reader, trail, file);
    await this.#finish(trail, file);
  }

  async #finishBegun(trail: Trail): Promise<void> {
    const file = this.#begun.get(trail);
    if (file === undefined) return;
    if ((await this.#options.storage.objects.size(file.name)) === undefined) this.#begun.delete(trail);
    else await this.#finish(trail, file);
  }

  async #finish(trail: Trail, file: FileToSeal): Promise<void> {
    const { storage, reader, appendStatement } = this.#options;
    await checkSealedFile(storage.objects, reader, trail, file);
    const found = await storage.objects.digest(file.name);
    if (found === undefined) throw new EvidentError("corrupt_store", `${file.name} is missing`);
    const digest = { sizeBytes: found.sizeBytes, sha256: toBase64(found.sha256) };
    const name = file.name.slice(pathOf.trail(trail.name).length);
    if (trail.name !== "evident") {
      const { size, root } = trail.published;
      await appendStatement({
        type: "checkpoint.recorded",
        reason: "seal",
        heads: [{ trail: trail.name, origin: trail.origin, size, root: toBase64(root) }],
      });
    }
    await appendStatement(
      file.kind === "segment"
        ? {
            type: "segment.sealed",
            trail: trail.name,
            first: file.first,
            count: file.end - file.first,
            file: name,
            ...digest,
          }
        : { type: "tail.sealed", trail: trail.name, first: file.first, size: file.end, file: name, ...digest },
    );
    this.#begun.delete(trail);
    const superseded = trail.tail;
    if (file.kind === "segment") trail.segments = [...trail.segments, file];
    if (file.kind === "tail") trail.tail = file;
    else if (superseded !== undefined && superseded.end <= file.end) trail.tail = undefined;
    if (superseded !== undefined && trail.tail !== superseded) this.#superseded.add(superseded.name);
    trail.wal.release(sealedEnd(trail));
    await this.#removeSuperseded();
    await this.#releaseWal();
  }

  async #removeSuperseded(): Promise<void> {
    const names = [...this.#superseded];
    if (names.length > 0) await this.#options.storage.objects.remove(names);
    for (const name of names) this.#superseded.delete(name);
  }

  /** Removes WAL files in which no trail has an unsealed entry. */
  async #releaseWal(): Promise<void> {
    const files = await this.#options.storage.walFiles();
    // After the listing: a file that was begun meanwhile is not in it. `evident` always has an unsealed entry, the newest record of a seal.
    const oldest = this.#oldestFile();
    if (oldest === undefined) return;
    await this.#options.wal.remove(files.map(({ file }) => file).filter((file) => file < oldest));
  }

  #oldestFile(): string | undefined {
    let oldest: string | undefined;
    for (const trail of this.#options.trails()) {
      const file = trail.wal.first?.file;
      if (file !== undefined && (oldest === undefined || file < oldest)) oldest = file;
    }
    return oldest;
  }
}
