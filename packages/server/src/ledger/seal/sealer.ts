import { toBase64 } from "@evident/core";
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
  readonly onFailure: (failure: Error) => void;
}

/** A file of entries `[first, end)` that is being sealed. */
export interface FileToSeal {
  readonly kind: "segment" | "tail";
  readonly name: string;
  readonly first: number;
  readonly end: number;
}

interface SealedDigest {
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
}

/**
 * Moves entries from the WAL into immutable files: written, read back and compared with the tree, their digest recorded in `evident`,
 * and only then is the WAL released.
 */
export class Sealer {
  readonly #options: SealerOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: SealerOptions) {
    this.#options = options;
  }

  start(intervalMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.sealDue().then(
        () => this.start(intervalMs),
        (cause: unknown) => this.#options.onFailure(cause instanceof Error ? cause : new Error(String(cause))),
      );
    }, intervalMs);
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
    const result = this.#queue.then(() => this.#seal(trail, options.tail));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Finishes a file that a crash left written but unrecorded. */
  finish(trail: Trail, file: FileToSeal, written: SealedDigest): Promise<void> {
    return this.#finish(trail, file, written);
  }

  async #seal(trail: Trail, withTail: boolean): Promise<void> {
    const size = trail.published.size;
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
    await this.#finish(trail, file, await writeSealedFile(storage.objects, reader, trail, file));
  }

  async #finish(trail: Trail, file: FileToSeal, written: SealedDigest): Promise<void> {
    const { storage, reader, appendStatement } = this.#options;
    await checkSealedFile(storage.objects, reader, trail, file);
    const digest = { sizeBytes: written.sizeBytes, sha256: toBase64(written.sha256) };
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
    const superseded = trail.tail;
    if (file.kind === "segment") trail.segments = [...trail.segments, file];
    if (file.kind === "tail") trail.tail = file;
    else if (superseded !== undefined && superseded.end <= file.end) trail.tail = undefined;
    if (superseded !== undefined && trail.tail !== superseded) await storage.objects.remove([superseded.name]);
    trail.wal.release(sealedEnd(trail));
    await this.releaseWal();
  }

  /** Removes WAL files in which no trail has an unsealed entry. */
  async releaseWal(): Promise<void> {
    const oldest = this.#oldestFile();
    const files = await this.#options.storage.walFiles();
    await this.#options.wal.remove(
      files.map(({ file }) => file).filter((file) => oldest === undefined || file < oldest),
    );
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
