import { AdaptStream, type BodyLine, firstKey, type ResumePoint } from "@evident/server";
import type { Format } from "../ingest/index.ts";
import type { FoundFile } from "./find-files.ts";
import { digestOf, HEAD_BYTES } from "./fingerprint.ts";
import type { FollowBatch } from "./follow-batch.ts";
import type { Generation, Mark, Position } from "./generation.ts";
import { type CutLine, LineCutter } from "./line-cutter.ts";
import { type Body, lastOf } from "./open-body.ts";
import { Unwrapper, type Wrapping } from "./unwrap.ts";

const CHUNK_BYTES = 256 * 1024;
const OTHER_STREAM = "of another stream of the container";

/** How the lines of every file are read. */
export interface Reading {
  readonly format: Format;
  readonly wrapping: Wrapping;
  /** The only stream of containers that is wanted. */
  readonly stream: string | undefined;
}

/** `more`: there may be more. `end`: not now. `later`: not in this batch. `changed`: what was read is not there any more. */
export type Fill = "more" | "end" | "later" | "changed";

/** Reads one generation of a log from where everything before is stored. */
export class FileReader {
  readonly generation: Generation;
  readonly #body: Body;
  readonly #cutter: LineCutter;
  readonly #unwrapper: Unwrapper | undefined;
  readonly #stream: AdaptStream | undefined;
  /** Where lines begin, from the number `#firstStart` on. */
  #starts: (number | undefined)[] = [];
  #firstStart: number;
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer | undefined;
  #position: Position;
  #clockMs = 0;
  #mtimeMs: number;
  #isPackedEnd = false;
  /** Where waiting records were ended last. */
  #endedAt = -1;
  /** Unix ms of the last sign of a writer. */
  activeMs: number;
  /** What was seen of it last. */
  found: FoundFile;
  /** Seen under one of the names that are looked at. */
  isVisible = true;

  constructor(generation: Generation, body: Body, found: FoundFile, reading: Reading) {
    const { position } = generation;
    const { kind, adapters, optionsOf, source } = reading.format;
    this.generation = generation;
    this.found = found;
    this.#body = body;
    this.#position = position;
    this.#firstStart = position.line;
    this.#cutter = new LineCutter(position.offset, position.line);
    if (reading.wrapping !== "none") {
      this.#unwrapper = new Unwrapper(reading.wrapping, reading.stream, position.line);
    }
    if (kind !== "events") {
      const context = { nowMs: () => this.#clockMs };
      const from = source === undefined ? {} : { source };
      this.#stream = new AdaptStream({
        adapters,
        optionsOf,
        context,
        ...from,
        line: position.line,
        key: position.key,
        ...position.replay,
      });
    }
    this.#mtimeMs = body.stat().mtimeMs;
    this.activeMs = this.#mtimeMs;
  }

  get file(): string {
    return this.#body.file;
  }

  get path(): string {
    return this.found.path;
  }

  /** Whether it is where its log is written to. */
  get isLive(): boolean {
    return this.found.isLive && this.isVisible;
  }

  get isPacked(): boolean {
    return this.#body.isPacked;
  }

  /** Where the next byte is read. */
  get offset(): number {
    return this.#cutter.offset;
  }

  /** Bytes that are there and not read; of a packed file unknown until its end. */
  get unreadBytes(): number | undefined {
    const { sizeBytes } = this.#body.stat();
    if (sizeBytes === undefined) return this.#isPackedEnd ? 0 : undefined;
    return Math.max(0, sizeBytes - this.#cutter.offset);
  }

  get links(): number {
    return this.#body.stat().links;
  }

  /** Whether a line is unfinished, or in pieces. */
  get hasOpenLine(): boolean {
    return this.#cutter.hasOpenLine || this.#unwrapper?.isWaiting === true;
  }

  /** Whether records wait for more lines. */
  get hasWaiting(): boolean {
    if (this.#unwrapper?.isWaiting === true || this.#endedAt === this.#cutter.openStart) return false;
    const point = this.#stream?.resumePoint();
    return point !== undefined && point.line >= this.#firstStart && point.line < this.#nextNumber;
  }

  /** Whether it begins with the hole that a writer leaves who does not append. */
  get hasHole(): boolean {
    return this.#cutter.hasHole;
  }

  /** Reads on, once. */
  async fill(batch: FollowBatch): Promise<Fill> {
    const { ahead, cuts, id } = this.generation;
    const at = this.#cutter.offset;
    const isAgain = ahead !== undefined && at < ahead.offset;
    this.#clockMs = isAgain ? ahead.atMs : batch.clockMs;
    const before = batch.contributions.get(id);
    if (before !== undefined && before.clockMs !== this.#clockMs) return "later";
    const nextCut = cuts.find((offset) => offset > at) ?? Number.POSITIVE_INFINITY;
    const most = Math.min(CHUNK_BYTES, nextCut - at, isAgain ? ahead.offset - at : CHUNK_BYTES);
    const bytes = await this.#read(at, most);
    if (bytes === "changed" || bytes === "end") return bytes;
    this.activeMs = this.isPacked ? this.activeMs : Date.now();
    if (at < HEAD_BYTES && this.#head.length === at) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, HEAD_BYTES - at)]);
    }
    this.#give(this.#cutter.push(bytes), batch);
    if (at + bytes.length === nextCut) this.#end(batch);
    this.#note(batch);
    return "more";
  }

  /**
   * Ends what waits for more although more may come, for good: should the same be read again, it ends here again. `line`: an unfinished
   * line is taken as it is, too.
   */
  cut(batch: FollowBatch, what: "records" | "line"): void {
    const { generation } = this;
    this.#clockMs = batch.contributions.get(generation.id)?.clockMs ?? batch.clockMs;
    const offset = what === "line" ? this.#cutter.offset : this.#cutter.openStart;
    if (!generation.cuts.includes(offset)) generation.cuts = [...generation.cuts, offset].sort((a, b) => a - b);
    if (what === "line") this.#end(batch);
    else this.#endRecords(batch);
    this.#note(batch);
  }

  close(): void {
    this.#body.close();
  }

  get #nextNumber(): number {
    return this.#unwrapper?.nextNumber ?? this.#cutter.nextLine;
  }

  #end(batch: FollowBatch): void {
    this.#give(this.#cutter.cut(), batch);
    if (this.#unwrapper !== undefined) this.#giveInner(this.#unwrapper.cut(), batch);
    this.#endRecords(batch);
  }

  #endRecords(batch: FollowBatch): void {
    batch.addReadings(this.path, this.#stream?.end() ?? []);
    this.#endedAt = this.#cutter.openStart;
  }

  async #read(at: number, most: number): Promise<Buffer | "end" | "changed"> {
    if (this.#tail === undefined) {
      this.#tail = await this.#body.before(at);
      if (!this.#body.isPacked && at > 0) this.#head = await this.#body.read(0, Math.min(at, HEAD_BYTES));
    }
    if (this.#body.isPacked) {
      const bytes = await this.#body.read(at, most);
      this.#isPackedEnd = bytes.length === 0;
      if (this.#isPackedEnd) return "end";
      this.#tail = lastOf(this.#tail ?? Buffer.alloc(0), bytes);
      return bytes;
    }
    const { sizeBytes = 0, mtimeMs } = this.#body.stat();
    if (sizeBytes < at) return "changed";
    // Rewritten to just the same size: only its time tells.
    if (sizeBytes === at && mtimeMs === this.#mtimeMs) return "end";
    this.#mtimeMs = mtimeMs;
    const tail = this.#tail ?? Buffer.alloc(0);
    const bytes = await this.#body.read(at - tail.length, tail.length + most);
    if (!bytes.subarray(0, tail.length).equals(tail)) return "changed";
    if (bytes.length === tail.length) return "end";
    const fresh = bytes.subarray(tail.length);
    this.#tail = lastOf(tail, fresh);
    return fresh;
  }

  #give(lines: readonly CutLine[], batch: FollowBatch): void {
    if (this.#unwrapper !== undefined) {
      this.#giveInner(this.#unwrapper.take(lines), batch);
      return;
    }
    const wanted: BodyLine[] = [];
    for (const { start, line } of lines) {
      this.#starts.push(start);
      if (line !== undefined) wanted.push(line);
    }
    this.#adapt(wanted, batch);
  }

  #giveInner(lines: ReturnType<Unwrapper["take"]>, batch: FollowBatch): void {
    const wanted: BodyLine[] = [];
    for (const { start, line, isOther } of lines) {
      this.#starts.push(start);
      if (line !== undefined) wanted.push(line);
      if (isOther === true) batch.skip(OTHER_STREAM, 1);
    }
    this.#adapt(wanted, batch);
  }

  #adapt(lines: readonly BodyLine[], batch: FollowBatch): void {
    if (this.#stream !== undefined) {
      batch.addReadings(this.path, this.#stream.take(lines));
      return;
    }
    for (const line of lines) {
      if (line.kind === "text") batch.addLine(this.path, line.line, line.text);
      else batch.addReadings(this.path, [this.#unreadable(line)]);
    }
  }

  #unreadable(line: Exclude<BodyLine, { readonly kind: "text" }>): Parameters<FollowBatch["addReadings"]>[1][number] {
    const isLong = line.kind === "line_too_long";
    const problem = isLong ? `the line has ${line.sizeBytes} bytes` : "the line is not UTF-8 text";
    return {
      kind: "unreadable",
      line: line.line,
      lines: 1,
      key: firstKey(`${this.generation.start.key}\n${line.line}`),
      adapter: undefined,
      raw: line.bytes,
      ...(isLong ? { sizeBytes: line.sizeBytes } : {}),
      reasons: [{ field: "", problem, fix: "Check that the file is the log it should be." }],
    };
  }

  #note(batch: FollowBatch): void {
    const { generation } = this;
    this.#position = this.#nextPosition();
    // By what was read the file is known again, verdicts or not.
    generation.read = { at: this.#cutter.offset, digest: digestOf(this.#tail ?? Buffer.alloc(0)) };
    if (this.#head.length > generation.head.at) generation.head = headOf(this.#head);
    batch.contributions.set(generation.id, {
      generation,
      position: this.#position,
      readTo: this.#cutter.offset,
      clockMs: this.#clockMs,
    });
  }

  #nextPosition(): Position {
    const point: ResumePoint = this.#stream?.resumePoint() ?? { line: this.#nextNumber, key: this.#position.key };
    const at = point.line - this.#firstStart;
    const { next, waiting } = point;
    const replay = next === undefined || waiting === undefined ? {} : { replay: { next, waiting } };
    // The oldest record still waits: what came behind it may have come out.
    if (at <= 0)
      return at < 0 ? this.#position : { offset: this.#position.offset, line: point.line, key: point.key, ...replay };
    const end = this.#unwrapper?.isWaiting === true ? undefined : this.#cutter.openStart;
    const offset = at < this.#starts.length ? this.#starts[at] : end;
    if (offset === undefined) return this.#position;
    this.#starts = this.#starts.slice(at);
    this.#firstStart = point.line;
    return { offset, line: point.line, key: point.key, ...replay };
  }
}

function headOf(bytes: Buffer): Mark {
  return { at: bytes.length, digest: digestOf(bytes) };
}
