import { rmSync } from "node:fs";
import { join } from "node:path";
import { claimLeft, type Found, inspectFolder, settleFound } from "./adopt.ts";
import { GroupSync } from "./group-sync.ts";
import { OpenSlots, type Unfinished } from "./open-slots.ts";
import { OwnFolder, PROGRESS_FILE, SLOTS_FILE } from "./own-folder.ts";
import { ProgressFile } from "./progress-file.ts";
import { type Batch, type BatchLimits, readBatch } from "./read-batch.ts";
import { type Segment, SegmentWriter, segmentName } from "./segment.ts";

/** Where and how large. `segmentBytes` bounds what is sent again after a crash. */
export interface SpoolOptions {
  readonly dir: string;
  readonly instance: string;
  readonly maxBytes: number;
  readonly segmentBytes: number;
  readonly adoptAfterMs: number;
}

/**
 * Lines on their way to the server, in files of one folder per writer. A line that `append` took outlives this process; one that `sync`
 * has seen outlives a power loss. Lines are taken out in order and stay until they have a verdict.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #sync = new GroupSync();
  #folder: OwnFolder;
  #slots: OpenSlots;
  #progress: ProgressFile;
  #writer: SegmentWriter | undefined;
  #own: Segment[] = [];
  #found: Segment[] = [];
  #lastNumber = 0;
  #folders = 1;
  #touchedMs = Date.now();
  #lastSeq = 0;
  /** Bytes of files, also of lines that have their verdicts and share a file with others. */
  usedBytes = 0;
  /** Lines that this writer took, and how many of them are done: have a verdict, or were taken over by another process. */
  appended = 0;
  settled = 0;

  /** @throws the file system's error when the folder cannot be made */
  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#folder = new OwnFolder(options.dir, options.instance, options.instance);
    this.#slots = new OpenSlots(join(this.#folder.path, SLOTS_FILE));
    this.#progress = new ProgressFile(join(this.#folder.path, PROGRESS_FILE));
    this.#sync.named(options.dir);
  }

  get isEmpty(): boolean {
    return this.settled === this.appended && this.#found.length === 0;
  }

  get hasFound(): boolean {
    return this.#found.length > 0;
  }

  get openCount(): number {
    return this.#slots.count;
  }

  get needsSync(): boolean {
    return this.#sync.isDirty;
  }

  /**
   * Takes one line. When it returns `taken`, the line outlives this process.
   *
   * @param line without its end
   * @throws the file system's error; nothing of the line stays then
   */
  append(line: string, nowMs: number): "taken" | "full" {
    if (nowMs - this.#touchedMs > this.#options.adoptAfterMs / 2) this.touch();
    const sizeBytes = Buffer.byteLength(line) + 1;
    const { maxBytes, segmentBytes } = this.#options;
    if (this.#writer !== undefined && this.#writer.segment.sizeBytes + sizeBytes > segmentBytes) this.#roll();
    if (this.usedBytes + sizeBytes > maxBytes) return "full";
    this.#writer ??= this.#open();
    this.#writer.append(`${line}\n`, sizeBytes);
    this.#sync.wrote(this.#writer.fd);
    this.usedBytes += sizeBytes;
    this.appended += 1;
    return "taken";
  }

  /** Notes an access under way; see `OpenSlots`. */
  noteOpen(access: Unfinished): number | undefined {
    return this.#slots.take(access);
  }

  forgetOpen(slot: number): void {
    this.#slots.free(slot);
  }

  #open(): SegmentWriter {
    this.#lastNumber += 1;
    const path = join(this.#folder.path, segmentName(this.#lastNumber));
    const writer = new SegmentWriter(this.#folder.path, path, this.#lastNumber);
    this.#own.push(writer.segment);
    this.#sync.named(this.#folder.path);
    return writer;
  }

  #roll(): void {
    if (this.#writer === undefined) return;
    const { fd, segment } = this.#writer;
    this.#sync.retire(fd);
    this.#writer = undefined;
    this.#dropIfDone(segment);
  }

  /** The oldest lines without a verdict: first what was found, then our own. */
  async next(limits: BatchLimits): Promise<Batch | undefined> {
    for (;;) {
      const segment = this.#found[0] ?? this.#own.find(({ readAt, sizeBytes }) => readAt < sizeBytes);
      if (segment === undefined) return undefined;
      const batch = await readBatch(segment, limits);
      if (batch !== undefined) return batch;
      // Nothing but damage without a single line's end is left of it.
      segment.readAt = segment.sizeBytes;
      this.#dropIfDone(segment);
    }
  }

  /** The first `count` lines of a batch have their verdicts. `lastSeq`: the last sequence number among them, 0 when unknown. */
  acknowledge({ segment, ends }: Batch, count: number, lastSeq: number): void {
    const end = ends[count - 1];
    if (end === undefined) return;
    segment.readAt = end;
    if (!segment.isFound && this.#own.includes(segment)) {
      this.settled += count;
      this.#lastSeq = Math.max(this.#lastSeq, lastSeq);
      this.#progress.write({ segment: segment.number, offset: end, seq: this.#lastSeq });
    }
    this.#dropIfDone(segment);
  }

  #dropIfDone(segment: Segment): void {
    if (segment.readAt < segment.sizeBytes || segment === this.#writer?.segment) return;
    const queue = segment.isFound ? this.#found : this.#own;
    const place = queue.indexOf(segment);
    if (place === -1) return;
    queue.splice(place, 1);
    rmSync(segment.path, { force: true });
    this.usedBytes -= segment.sizeBytes;
    if (segment.isFound && !this.#found.some(({ folder }) => folder === segment.folder))
      rmSync(segment.folder, { recursive: true, force: true });
  }

  /** Resolves when every line that was taken before this call is durable. */
  sync(): Promise<void> {
    return this.#sync.sync();
  }

  /**
   * Gives a sign of life. When this process stood still so long that another took its folder, it starts a new one; what was in the old one
   * is sent by the other.
   */
  touch(): void {
    this.#touchedMs = Date.now();
    if (this.#folder.touch()) return;
    const { dir, instance } = this.#options;
    if (this.#writer !== undefined) this.#sync.retire(this.#writer.fd);
    this.#slots.close();
    this.#progress.close();
    this.#writer = undefined;
    this.#own = [];
    this.#found = [];
    this.usedBytes = 0;
    this.settled = this.appended;
    this.#folders += 1;
    this.#folder = new OwnFolder(dir, `${instance}.${this.#folders}`, instance);
    this.#slots = new OpenSlots(join(this.#folder.path, SLOTS_FILE));
    this.#progress = new ProgressFile(join(this.#folder.path, PROGRESS_FILE));
  }

  /**
   * Takes what writers that are gone have left, and queues it before our own lines.
   *
   * @param report is told each, before the mark that it is unreported goes: a crash in between reports it twice, never not at all
   */
  async adopt(report: (found: Found) => void): Promise<void> {
    const { dir, adoptAfterMs } = this.#options;
    for (const folder of claimLeft(dir, this.#folder.path, adoptAfterMs)) {
      const found = await inspectFolder(folder);
      report(found);
      settleFound(found);
      this.#found.push(...found.segments);
      this.usedBytes += found.bytes;
    }
  }

  /** Ends writing. What has no verdict is left to whoever opens the spool next. Synchronous: it also runs while a process exits. */
  release(): void {
    const isEmpty = this.isEmpty && this.#slots.count === 0;
    if (this.#writer !== undefined) {
      const { segment } = this.#writer;
      this.#writer.close();
      this.#writer = undefined;
      this.#dropIfDone(segment);
    }
    this.#slots.close();
    this.#progress.close();
    this.#folder.release(isEmpty);
  }
}
