import { matchesGlob } from "node:path";
import { EvidentError } from "@evident/core";
import { FileReader, type Reading } from "./file-reader.ts";
import { FileFinder, type FoundFile } from "./find-files.ts";
import { digestOf } from "./fingerprint.ts";
import type { FollowState } from "./follow-state.ts";
import type { Generation } from "./generation.ts";
import { gzipLength } from "./gzip-length.ts";
import { type Match, makeGeneration, matchFile } from "./match-file.ts";
import { Notices, type OnNews } from "./notices.ts";
import { type Body, openBody } from "./open-body.ts";
import { SettledFiles } from "./settled-files.ts";

const DAY_MS = 86_400_000;
/** A generation whose file has not been there for so long is forgotten. */
const FORGET_MS = 30 * DAY_MS;
/** A rotated file without growth for so long is closed; should it grow after all, it is opened again. */
const CLOSE_MS = 10_000;
/** The same for a file that cannot be found again: deleted, or moved where nobody looks. */
const CLOSE_UNSEEN_MS = 60_000;
const RETRY_MS = 5_000;
/** A packed file that is not whole may still be written to. */
const FRESH_MS = 30_000;
const RETRY_FRESH_MS = 1_000;

/** What a tracker is made with. */
export interface TrackerOptions {
  /** Absolute. */
  readonly patterns: readonly string[];
  readonly state: FollowState;
  readonly reading: Reading;
  /** Begin at the end of files that are there when following first begins. */
  readonly isFromEnd: boolean;
  /** Whether lines of a generation wait for verdicts. */
  readonly isBusy: (generation: Generation) => boolean;
  readonly onNews: OnNews;
}

/** Knows which file holds which generation of which log, and keeps those open that are read. */
export class FileTracker {
  readonly #options: TrackerOptions;
  readonly #finder: FileFinder;
  readonly #generations: Generation[];
  readonly #readers = new Map<string, FileReader>();
  readonly #settled = new SettledFiles();
  readonly #notices: Notices;
  readonly #unsaved = new Set<Generation>();
  readonly #newPatterns: ReadonlySet<string>;
  readonly #knownLogs: ReadonlySet<string>;
  /** Logs by the files that were seen of them last. */
  #present: ReadonlyMap<string, string> = new Map();
  #isFirstScan = true;
  #isSearched = false;
  #hasLostFile = false;
  #nextId: number;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#notices = new Notices(options.onNews);
    const { patterns, state } = options;
    this.#generations = [...state.load()];
    this.#nextId = (this.#generations.at(-1)?.id ?? 0) + 1;
    const known = state.patterns();
    this.#newPatterns = new Set(patterns.filter((pattern) => !known.has(pattern)));
    this.#knownLogs = new Set(this.#generations.map(({ log }) => log));
    const followed = [...this.#knownLogs].filter((log) => patterns.some((pattern) => matchesGlob(log, pattern)));
    this.#finder = new FileFinder(patterns, followed, (path, cause) => this.#notices.problem(path, cause));
  }

  /** Open files, in the order in which they are to be read. */
  get readers(): readonly FileReader[] {
    return [...this.#readers.values()].sort((left, right) => left.generation.id - right.generation.id);
  }

  /** Whether a file is not whole and may become so. */
  get isWaiting(): boolean {
    return this.#settled.isWaiting;
  }

  /** Generations that changed since the last call. */
  takeUnsaved(): readonly Generation[] {
    const unsaved = [...this.#unsaved];
    this.#unsaved.clear();
    return unsaved;
  }

  /** Looks at all names once; true when something was found that is to be read, or that became something else. */
  async scan(): Promise<boolean> {
    const found = this.#finder.find();
    this.#present = new Map(found.map(({ file, log }) => [file, log]));
    for (const reader of this.#readers.values()) reader.isVisible = false;
    const seen = new Map<string, FoundFile>();
    let isChanged = false;
    this.#hasLostFile = false;
    for (const file of found) {
      const first = seen.get(file.file);
      if (first === undefined) {
        seen.set(file.file, file);
        if (await this.#look(file)) isChanged = true;
      } else if (first.log !== file.log) {
        this.#notices.warn(`${file.path} is the same file as ${first.path}: read once`);
      }
    }
    this.#settled.keep(seen);
    if (this.#isFirstScan) this.#finishFirstScan(seen.size);
    if (!this.#isSearched && !isChanged && !this.#hasLostFile) this.#reportGone();
    return isChanged || this.#hasLostFile;
  }

  /** Closes a file in which something else was found than what was read there. */
  drop(reader: FileReader): void {
    const { generation } = reader;
    this.#close(reader);
    generation.file = undefined;
    this.#unsaved.add(generation);
    const lost = generation.seenBytes - reader.offset;
    const end = lost > 0 ? `; ${lost} bytes before were not read, unless a copy of them is found` : "";
    this.#options.onNews(lost > 0 ? "warning" : "note", `${reader.path} was truncated or written anew${end}`);
  }

  /** Closes a file that cannot be read; it is tried again when it changes, and now and then. */
  fail(reader: FileReader, cause: unknown): void {
    this.#close(reader);
    this.#reject(reader.found, cause);
  }

  /** Closes what has been read and is not written to any more. @param isIdle whether everything of it has come out and is stored */
  retire(isIdle: (reader: FileReader) => boolean): void {
    const nowMs = Date.now();
    for (const reader of this.#readers.values()) {
      const { generation, isVisible, isPacked } = reader;
      if (reader.isLive || !isIdle(reader)) continue;
      const hasSuccessor = this.#generations.some(({ log, id }) => log === generation.log && id > generation.id);
      if (!isVisible && !hasSuccessor && reader.links > 0) continue;
      const waitMs = isPacked ? 0 : isVisible ? CLOSE_MS : CLOSE_UNSEEN_MS;
      if (nowMs - reader.activeMs < waitMs) continue;
      this.#close(reader);
      if (isPacked || reader.found.sizeBytes === reader.offset) this.#settled.settle(reader.found);
    }
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }

  #close(reader: FileReader): void {
    reader.close();
    this.#readers.delete(reader.file);
  }

  #finishFirstScan(files: number): void {
    this.#isFirstScan = false;
    const { patterns, state, onNews } = this.#options;
    state.save(this.takeUnsaved(), patterns);
    if (files === 0) onNews("warning", `no file yet: ${patterns.join(", ")}`);
    onNews("note", `following ${patterns.join(", ")}`);
  }

  /** Says what is lost, when every name has been looked at and nothing more turns up. */
  #reportGone(): void {
    this.#isSearched = true;
    const { patterns, state, onNews } = this.#options;
    const nowMs = Date.now();
    const gone = this.#generations.filter((each) => !each.isIgnored && !this.#isPresent(each));
    for (const each of gone) {
      const isFollowed = patterns.some((pattern) => matchesGlob(each.log, pattern) || matchesGlob(each.path, pattern));
      if (!isFollowed || each.seenBytes <= each.position.offset) continue;
      const text = `${each.path} is gone: of ${each.seenBytes} bytes, what follows byte ${each.position.offset} was not read`;
      onNews("warning", text);
    }
    const old = this.#generations.filter((each) => !this.#isPresent(each) && nowMs - each.seenMs > FORGET_MS);
    if (old.length === 0) return;
    state.forget(old);
    this.#generations.splice(0, this.#generations.length, ...this.#generations.filter((each) => !old.includes(each)));
  }

  /** Another log may have been given the inode of a file that is gone. */
  #isPresent(generation: Generation): boolean {
    const { file, log } = generation;
    return (
      file !== undefined && (this.#present.get(file) === log || this.#readers.get(file)?.generation === generation)
    );
  }

  async #look(found: FoundFile): Promise<boolean> {
    const reader = this.#readers.get(found.file);
    if (reader !== undefined) {
      if (reader.path !== found.path) this.#options.onNews("note", `${reader.path} is now ${found.path}`);
      reader.found = found;
      reader.isVisible = true;
      this.#see(reader.generation, found);
      return false;
    }
    if (this.#settled.has(found, (generation) => this.#isPresent(generation))) return false;
    if (found.packing === "other") {
      this.#notices.warn(`${found.path} cannot be unpacked here and is not read`);
      return false;
    }
    let body: Body;
    try {
      body = openBody(found);
    } catch (cause) {
      this.#notices.problem(found.path, cause);
      return false;
    }
    let isKept = false;
    try {
      isKept = await this.#take(found, body);
    } catch (cause) {
      this.#reject(found, cause);
    } finally {
      if (!isKept) body.close();
    }
    return isKept;
  }

  #reject(found: FoundFile, cause: unknown): void {
    const nowMs = Date.now();
    const isDamaged = cause instanceof EvidentError && cause.code === "malformed";
    if (!(cause instanceof EvidentError) && !isSystemError(cause)) throw cause;
    // It may be in the middle of being packed: its stat can be newer than the bytes that were read.
    const isFresh = nowMs - found.mtimeMs < FRESH_MS;
    if (!isDamaged || !isFresh) this.#notices.problem(found.path, cause);
    if (isDamaged) this.#settled.settle(found, isFresh ? { untilMs: nowMs + RETRY_FRESH_MS, isGrowing: true } : {});
    else this.#settled.settle(found, { untilMs: nowMs + RETRY_MS });
  }

  #see(generation: Generation, found: FoundFile): void {
    const nowMs = Date.now();
    const { packing, sizeBytes, path, file } = found;
    if (packing === "none" && sizeBytes > generation.seenBytes) generation.seenBytes = sizeBytes;
    if (generation.path === path && generation.file === file && nowMs - generation.seenMs < DAY_MS) return;
    generation.path = path;
    generation.file = file;
    generation.seenMs = nowMs;
    this.#unsaved.add(generation);
  }

  /** Finds out what a file holds; true when it is read from now on, and stays open. */
  async #take(found: FoundFile, body: Body): Promise<boolean> {
    const generations = this.#generations.filter(({ log }) => log === found.log);
    const unpackedBytes = found.packing === "gzip" ? gzipLength(found.path) : undefined;
    const isPresent = (generation: Generation): boolean => this.#isPresent(generation);
    const before = generations.find(({ file }) => file === found.file);
    const match = await matchFile(found, body, { generations, isPresent, unpackedBytes });
    if (before !== undefined && before.file === undefined) {
      // Its content is somewhere else, or gone: what was taken for a copy may be where to go on.
      this.#unsaved.add(before);
      this.#hasLostFile = true;
    }
    switch (match.kind) {
      case "empty":
        return false;
      case "part":
        this.#settled.settle(found, { untilMs: Date.now() + RETRY_FRESH_MS, isGrowing: true });
        return false;
      case "copy":
        this.#settled.settle(found, { copyOf: match.generation, copiedBytes: match.generation.head.at });
        return false;
      case "new":
        return this.#begin(found, body, { firstLine: match.firstLine, generations });
      case "same":
      case "shorter":
        return this.#goOn(found, body, match, unpackedBytes);
    }
  }

  async #begin(
    found: FoundFile,
    body: Body,
    made: { readonly firstLine: string; readonly generations: readonly Generation[] },
  ): Promise<boolean> {
    const { state, isFromEnd } = this.#options;
    // What lies beside a log when following it begins is older than the wish to follow it.
    const isOld = this.#isFirstScan && !this.#knownLogs.has(found.log) && this.#isOfNewPattern(found);
    const from = !isOld ? "start" : !found.isNamed ? "ignore" : isFromEnd ? "skip" : "start";
    const generation = await makeGeneration({ id: this.#nextId, host: state.host, found, ...made, from }, body);
    this.#nextId += 1;
    this.#generations.push(generation);
    this.#unsaved.add(generation);
    if (from === "ignore") {
      this.#settled.settle(found);
      return false;
    }
    this.#attach(found, body, generation);
    return true;
  }

  #isOfNewPattern({ path, log }: FoundFile): boolean {
    return [...this.#newPatterns].some((pattern) => {
      return pattern === path || pattern === log || matchesGlob(path, pattern) || matchesGlob(log, pattern);
    });
  }

  async #goOn(
    found: FoundFile,
    body: Body,
    match: Extract<Match, { readonly kind: "same" | "shorter" }>,
    unpackedBytes: number | undefined,
  ): Promise<boolean> {
    const { generation, kind } = match;
    // Lines of it are under way: where to go on is known when they have their verdicts.
    if (this.#options.isBusy(generation)) return false;
    const isRead = kind === "shorter" ? !found.isLive : this.#isRead(found, generation, unpackedBytes);
    this.#see(generation, found);
    if (generation.isIgnored || isRead) {
      this.#settled.settle(found);
      return false;
    }
    if (kind === "shorter") {
      // The same lines have the same keys, and are recognised as stored.
      const { start } = generation;
      generation.position = start;
      const before = (await body.before(start.offset)) ?? Buffer.alloc(0);
      generation.read = { at: start.offset, digest: digestOf(before) };
      this.#options.onNews(
        "note",
        `${found.path} has become shorter with the same beginning: read again from its start`,
      );
    }
    this.#attach(found, body, generation);
    return true;
  }

  /** Whether a file that nobody writes to has nothing new. */
  #isRead(found: FoundFile, { position, read, ahead }: Generation, unpackedBytes: number | undefined): boolean {
    if (found.isLive || ahead !== undefined || position.offset < read.at) return false;
    return found.packing === "none" ? found.sizeBytes <= read.at : unpackedBytes === read.at % 2 ** 32;
  }

  #attach(found: FoundFile, body: Body, generation: Generation): void {
    this.#settled.delete(found.file);
    this.#readers.set(found.file, new FileReader(generation, body, found, this.#options.reading));
    const from = generation.position.offset === 0 ? "" : ` from byte ${generation.position.offset}`;
    this.#options.onNews("note", `reading ${found.path}${from}`);
  }
}

function isSystemError(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && "syscall" in cause;
}
