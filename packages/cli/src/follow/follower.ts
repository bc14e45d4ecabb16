import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import type { HttpClient } from "../client/index.ts";
import { sendBatch, type Tally } from "../ingest/index.ts";
import type { FileReader, Fill, Reading } from "./file-reader.ts";
import { FileTracker } from "./file-tracker.ts";
import { FollowBatch } from "./follow-batch.ts";
import type { FollowState } from "./follow-state.ts";
import type { Generation } from "./generation.ts";

/** How long a follower waits for what, in milliseconds. */
export interface FollowTiming {
  /** Between two looks at open files for growth. */
  readonly pollMs: number;
  /** Between two looks at all names. */
  readonly scanMs: number;
  /** A rotated file without growth for so long is behind its successor; before, the successor waits. */
  readonly settleMs: number;
  /** Without growth for so long, records that wait for more lines are taken as they are. */
  readonly recordsMs: number;
  /** The same for the unfinished last line of a file that was rotated away. */
  readonly lineMs: number;
}

const defaultTiming: FollowTiming = { pollMs: 100, scanMs: 500, settleMs: 500, recordsMs: 5_000, lineMs: 5_000 };
/** How long a stop waits for verdicts that are under way. */
const STOP_MS = 10_000;

/** What a follower is made with. */
export interface FollowerOptions {
  /** Absolute paths and globs. */
  readonly patterns: readonly string[];
  readonly state: FollowState;
  readonly reading: Reading;
  readonly isFromEnd: boolean;
  /** End when everything that is there has been read and stored. */
  readonly isOnce: boolean;
  /** Without growth for so long, the unfinished last line of a file that is written to is taken as it is; undefined: never. */
  readonly lineAfterMs: number | undefined;
  readonly timing?: FollowTiming;
  readonly client: HttpClient;
  readonly trail: string | undefined;
  /** Counts verdicts; a refused line is the line of the batch that `originOf` knows. */
  readonly tally: Tally;
  readonly signal: AbortSignal;
  readonly onNews: (kind: "note" | "warning", text: string) => void;
  readonly onWait: (why: string, waitMs: number) => void;
  readonly onProgress: () => void;
}

/** How far one file has been read. */
export interface FileProgress {
  readonly path: string;
  /** Bytes that are stored, and that are there; of a packed file the second is unknown. */
  readonly storedBytes: number;
  readonly sizeBytes: number | undefined;
  readonly line: number;
  /** For how long something has been there that is not stored. */
  readonly lagMs: number;
}

/** Reads files as they grow and are rotated, and sends what they say. The positions in the state follow the server's verdicts. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #timing: FollowTiming;
  readonly #tracker: FileTracker;
  readonly #ends = new Map<FileReader, Fill>();
  readonly #behindSince = new Map<number, number>();
  readonly #acknowledged = new Set<Generation>();
  readonly #abort = new AbortController();
  #building: FollowBatch;
  #sending: FollowBatch | undefined;
  #sent: Promise<void> | undefined;
  #failure: Error | undefined;
  #turn = 0;
  readonly #holes = new WeakSet<FileReader>();

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#timing = options.timing ?? defaultTiming;
    const { patterns, state, reading, isFromEnd, onNews } = options;
    const isBusy = ({ id }: Generation): boolean => this.#isBusy(id);
    this.#tracker = new FileTracker({ patterns, state, reading, isFromEnd, isBusy, onNews });
    this.#building = this.#newBatch();
  }

  /** Where a line of the batch that is under way comes from. */
  originOf(line: number): { readonly path: string; readonly line: number } {
    return this.#sending?.originOf(line) ?? { path: "", line: 0 };
  }

  files(): readonly FileProgress[] {
    const nowMs = Date.now();
    return this.#tracker.readers.map((reader) => {
      const { generation, path, unreadBytes, offset } = reader;
      return {
        path,
        storedBytes: generation.position.offset,
        sizeBytes: unreadBytes === undefined ? undefined : offset + unreadBytes,
        line: generation.position.line,
        lagMs: nowMs - (this.#behindSince.get(generation.id) ?? nowMs),
      };
    });
  }

  /**
   * Follows until the signal, or with `isOnce` until everything is stored. What has no verdict then is sent again next time.
   *
   * @throws EvidentError when the server refuses for good, or the state cannot be written
   */
  async run(): Promise<void> {
    try {
      for (let scanMs = 0; !this.#options.signal.aborted; ) {
        const isScan = performance.now() >= scanMs;
        const isNew = isScan && (await this.#tracker.scan());
        if (isScan) scanMs = performance.now() + this.#timing.scanMs;
        const isFilled = await this.#fill();
        this.#startSending();
        if (this.#failure !== undefined) throw this.#failure;
        this.#tracker.retire((reader) => this.#isIdle(reader));
        this.#options.onProgress();
        if (isNew) scanMs = 0;
        if (this.#options.isOnce && isScan && !isNew && this.#isDone()) break;
        // A turn for the connection between the parts that are read.
        if (!isFilled || this.#building.isFull) await this.#pause();
        else await nextTurn();
      }
      await this.#stop();
    } finally {
      this.#abort.abort();
      this.#tracker.close();
    }
  }

  #newBatch(): FollowBatch {
    const { reading, tally } = this.#options;
    return new FollowBatch(reading.format.source, tally, Date.now());
  }

  #isBusy(id: number): boolean {
    return this.#sending?.contributions.has(id) === true || this.#building.contributions.has(id);
  }

  #isIdle(reader: FileReader): boolean {
    const isEnd = this.#ends.get(reader) === "end" && reader.unreadBytes === 0;
    return isEnd && !reader.hasOpenLine && !reader.hasWaiting && !this.#isBusy(reader.generation.id);
  }

  #isDone(): boolean {
    if (this.#sent !== undefined || !this.#building.isEmpty || this.#tracker.isWaiting) return false;
    return this.#tracker.readers.every((reader) => {
      if (this.#ends.get(reader) !== "end" || reader.unreadBytes !== 0) return false;
      return reader.isLive ? !reader.hasWaiting : this.#isIdle(reader);
    });
  }

  /** Reads a part of every file in turn until the batch is full or nothing is left; true when something was read. */
  async #fill(): Promise<boolean> {
    let isFilled = false;
    const { readers } = this.#tracker;
    for (const reader of this.#ends.keys()) if (!readers.includes(reader)) this.#ends.delete(reader);
    const logs = [...Map.groupBy(readers, ({ generation }) => generation.log).values()];
    // Another log is first each time: a busy one must not fill every batch alone.
    this.#turn = (this.#turn + 1) % Math.max(1, logs.length);
    for (const ofLog of [...logs.slice(this.#turn), ...logs.slice(0, this.#turn)]) {
      for (const reader of ofLog) {
        if (this.#building.isFull) return isFilled;
        if (await this.#fillFrom(reader)) isFilled = true;
        if (this.#holdsBack(reader)) break;
      }
    }
    return isFilled;
  }

  /** Whether the log's next generation has to wait for this one. */
  #holdsBack(reader: FileReader): boolean {
    const end = this.#ends.get(reader);
    if (end === undefined || end === "changed") return false;
    return end !== "end" || (!reader.isPacked && Date.now() - reader.activeMs < this.#timing.settleMs);
  }

  async #fillFrom(reader: FileReader): Promise<boolean> {
    const { id } = reader.generation;
    const batch = this.#building;
    let end: Fill;
    try {
      end = await reader.fill(batch);
      if (end === "end") this.#cutIfIdle(reader);
    } catch (cause) {
      this.#tracker.fail(reader, cause);
      return false;
    }
    this.#ends.set(reader, end);
    if (reader.hasHole && !this.#holes.has(reader)) {
      this.#holes.add(reader);
      const text = `${reader.path} begins with zero bytes, which are passed over: its writer does not append`;
      this.#options.onNews("warning", text);
    }
    if (end === "changed") this.#tracker.drop(reader);
    else if (end === "end" && !this.#isBusy(id)) this.#behindSince.delete(id);
    else if (!this.#behindSince.has(id)) this.#behindSince.set(id, Date.now());
    return end === "more";
  }

  #cutIfIdle(reader: FileReader): void {
    const { isOnce, lineAfterMs } = this.#options;
    const idleMs = Date.now() - reader.activeMs;
    const isLive = reader.isLive;
    const waitMs = reader.isPacked ? 0 : isLive ? (lineAfterMs ?? Number.POSITIVE_INFINITY) : this.#timing.lineMs;
    if (reader.hasOpenLine && idleMs >= waitMs) {
      reader.cut(this.#building, "line");
      this.#options.onNews("note", `${reader.path}: its last line had no end and was taken as it is`);
    } else if (reader.hasWaiting && (isOnce || idleMs >= this.#timing.recordsMs)) reader.cut(this.#building, "records");
  }

  #startSending(): void {
    if (this.#sent !== undefined || this.#building.isEmpty) return;
    const batch = this.#building;
    this.#sending = batch;
    this.#building = this.#newBatch();
    const changed = new Set(this.#takeUnsaved());
    for (const { generation, readTo, clockMs } of batch.contributions.values()) {
      // Durable before it is sent: after a crash the same is read and made again.
      generation.ahead = { offset: readTo, atMs: clockMs };
      changed.add(generation);
    }
    this.#options.state.save(changed);
    // Nothing of it is kept by the server: skipped lines, or half a line.
    if (batch.lines.length === 0) this.#acknowledge(batch);
    else this.#sent = this.#send(batch);
  }

  async #send(batch: FollowBatch): Promise<void> {
    const { client, trail, tally, onWait } = this.#options;
    const sending = { client, trail, tally, signal: this.#abort.signal, onWait, tries: Number.POSITIVE_INFINITY };
    try {
      await sendBatch(sending, batch);
      this.#acknowledge(batch);
    } catch (cause) {
      this.#failure ??= refused(cause);
    }
  }

  /** Everything before the positions of the batch has its verdict. */
  #acknowledge(batch: FollowBatch): void {
    for (const { generation, position } of batch.contributions.values()) {
      generation.position = position;
      generation.ahead = undefined;
      generation.cuts = generation.cuts.filter((offset) => offset > position.offset);
      this.#acknowledged.add(generation);
    }
    this.#sending = undefined;
    this.#sent = undefined;
    // Else it is saved with what is sent next.
    if (this.#building.isEmpty) this.#save();
  }

  #save(): void {
    try {
      this.#options.state.save(this.#takeUnsaved());
    } catch (cause) {
      this.#failure ??= toError(cause);
    }
  }

  #takeUnsaved(): readonly Generation[] {
    const unsaved = new Set([...this.#acknowledged, ...this.#tracker.takeUnsaved()]);
    this.#acknowledged.clear();
    return [...unsaved];
  }

  async #pause(): Promise<void> {
    const stop = new AbortController();
    const { signal } = this.#options;
    const wake = (): void => stop.abort();
    signal.addEventListener("abort", wake, { once: true });
    const waits = [sleep(this.#timing.pollMs, undefined, { signal: stop.signal }).catch(() => undefined)];
    if (this.#sent !== undefined) waits.push(this.#sent.then(() => undefined));
    await Promise.race(waits);
    stop.abort();
    signal.removeEventListener("abort", wake);
  }

  /** Waits for the verdicts that are under way and keeps the positions. */
  async #stop(): Promise<void> {
    if (this.#sent !== undefined) {
      const late = setTimeout(() => this.#abort.abort(new Error("stopped")), STOP_MS);
      await this.#sent;
      clearTimeout(late);
    }
    if (this.#failure !== undefined && !this.#options.signal.aborted) throw this.#failure;
    for (const { hasOpenLine, path } of this.#tracker.readers) {
      if (hasOpenLine)
        this.#options.onNews("note", `${path}: its last line has no end yet and is left for the next time`);
    }
    this.#options.state.save(this.#takeUnsaved());
  }
}

/** What the server refuses for good, without the advice that is meant for a single file. */
function refused(cause: unknown): Error {
  const inner = cause instanceof EvidentError ? cause.cause : undefined;
  return inner instanceof EvidentError ? inner : toError(cause);
}

function toError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
