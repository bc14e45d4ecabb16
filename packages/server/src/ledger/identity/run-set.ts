import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import { type FileSystem, isDiskFull, systemCode, toStorageError, withFile } from "../storage/index.ts";
import { chooseMerge } from "./choose-merge.ts";
import { type Manifest, manifestName, runFileName, writeManifest } from "./manifest.ts";
import { mergeRecords, type RecordCursor } from "./merge-runs.ts";
import { type RunFacts, RunWriter } from "./run-writer.ts";
import { SortedRun } from "./sorted-run.ts";

const SLICE_MS = 1;
/** Part of the thread's time that background merging takes, until it has fallen behind. */
const MERGE_SHARE = 0.25;
const MANY_RUNS = 20;
const FULL_RETRY_MS = 30_000;

export interface RunSetParts {
  readonly fileSystem: FileSystem;
  readonly dir: string;
  readonly manifest: Manifest;
  readonly runs: readonly SortedRun[];
  /** Room for fences and filters; what it is changes with the tables in memory. */
  readonly limitBytes: () => number;
}

/** A change of runs. What is removed is replaced by what is added. */
interface Change {
  readonly added: SortedRun | undefined;
  readonly removed: readonly SortedRun[];
  readonly coveredTo?: Readonly<Record<string, number>>;
  /** Called in the turn in which look-ups see the change. */
  readonly onVisible?: () => void;
}

/** The runs on disk, the manifest that names them, and their merging in the background. */
export class RunSet {
  readonly #parts: RunSetParts;
  /** Oldest first, as in the manifest. */
  #runs: readonly SortedRun[];
  #manifest: Manifest;
  #nextRun: number;
  #installing: Promise<void> = Promise.resolve();
  #merging: Promise<void> | undefined;
  #failure: EvidentError | undefined;
  readonly #stop = new AbortController();

  constructor(parts: RunSetParts) {
    this.#parts = parts;
    this.#manifest = parts.manifest;
    this.#runs = parts.runs;
    this.#nextRun = parts.manifest.nextRun;
    this.#mergeWhenDue();
  }

  get coveredTo(): Readonly<Record<string, number>> {
    return this.#manifest.coveredTo;
  }

  get records(): number {
    return this.#runs.reduce((sum, { facts }) => sum + facts.records, 0);
  }

  get count(): number {
    return this.#runs.length;
  }

  get memoryBytes(): number {
    return this.#runs.reduce((sum, run) => sum + run.memoryBytes, 0);
  }

  /** @throws EvidentError what ended the set, when something has */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The record with a key; its words are valid until the next call. */
  find(key: Uint32Array): { readonly words: Uint32Array; readonly at: number } | undefined {
    for (let i = this.#runs.length - 1; i >= 0; i -= 1) {
      const run = this.#runs[i];
      const at = run === undefined ? -1 : this.#findInRun(run, key);
      if (run !== undefined && at >= 0) return { words: run.page, at };
    }
    return undefined;
  }

  /** Writes records as a new run and states what is covered with it, in one durable step. */
  async append(
    records: { readonly cursors: readonly RecordCursor[]; readonly count: number },
    coveredTo: Readonly<Record<string, number>>,
    onVisible: () => void,
  ): Promise<void> {
    this.check();
    const added =
      records.count === 0 ? undefined : await this.#write(records, { share: () => 1, stopped: () => false });
    await this.#install({ added, removed: [], coveredTo, onVisible });
    this.#mergeWhenDue();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#merging;
    await this.#installing;
    for (const run of this.#runs) run.close();
    this.#runs = [];
    this.#failure ??= new EvidentError("internal", "the identity store is closed");
  }

  #findInRun(run: SortedRun, key: Uint32Array): number {
    try {
      return run.find(key);
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /** Writes and opens a run; undefined when it was stopped. */
  async #write(
    { cursors, count }: { readonly cursors: readonly RecordCursor[]; readonly count: number },
    pace: { share(): number; stopped(): boolean },
  ): Promise<SortedRun | undefined> {
    const { fileSystem, dir } = this.#parts;
    const number = this.#nextRun;
    this.#nextRun += 1;
    const path = join(dir, runFileName(number));
    try {
      const facts = await withFile(fileSystem, path, "create", async (file): Promise<RunFacts | undefined> => {
        const writer = new RunWriter(file, number, count);
        return (await mergeRecords(cursors, writer, { sliceMs: SLICE_MS, ...pace })) ? writer.finish() : undefined;
      });
      if (facts !== undefined) {
        await fileSystem.syncDirectory(dir);
        return await this.#open(path, facts);
      }
    } catch (cause) {
      await fileSystem.unlink(path).catch(() => undefined);
      throw cause;
    }
    await fileSystem.unlink(path);
    return undefined;
  }

  async #open(path: string, facts: RunFacts): Promise<SortedRun> {
    const run = await SortedRun.open(this.#parts.fileSystem, path, facts);
    try {
      const droppableBytes = this.#runs.reduce((sum, each) => sum + (each.hasFilter ? each.filterBytes : 0), 0);
      const neededBytes = this.memoryBytes - droppableBytes + run.memoryBytes + run.filterBytes;
      if (neededBytes <= this.#parts.limitBytes()) await run.loadFilter();
      return run;
    } catch (cause) {
      run.close();
      throw cause;
    }
  }

  /** Makes a change durable in the manifest, then visible, and removes the files that it replaces. */
  #install(change: Change): Promise<void> {
    const installed = this.#installing.then(() => this.#installNow(change));
    this.#installing = installed.catch(() => undefined);
    return installed;
  }

  async #installNow({ added, removed, coveredTo, onVisible }: Change): Promise<void> {
    const { fileSystem, dir } = this.#parts;
    const runs = replaceRuns(this.#runs, removed, added);
    const manifest: Manifest = {
      ...this.#manifest,
      nextRun: this.#nextRun,
      coveredTo: { ...this.#manifest.coveredTo, ...coveredTo },
      runs: runs.map(({ facts }) => facts),
    };
    try {
      await writeManifest(fileSystem, dir, manifest);
    } catch (cause) {
      // The file stays until the next start: a manifest that was written although that was reported failed may name it.
      added?.close();
      throw cause;
    }
    this.#manifest = manifest;
    this.#runs = runs;
    onVisible?.();
    this.#dropFilters();
    for (const run of removed) {
      run.close();
      // What cannot be removed now is swept away at the next start.
      await fileSystem.unlink(run.path).catch(() => undefined);
    }
  }

  /** Beyond the limit the oldest runs' filters are given up: a look-up then reads a page of them from the disk. */
  #dropFilters(): void {
    for (const run of this.#runs) {
      if (this.memoryBytes <= this.#parts.limitBytes()) return;
      run.dropFilter();
    }
  }

  #mergeWhenDue(): void {
    if (this.#merging !== undefined || chooseMerge(this.#runs).length === 0) return;
    this.#merging = this.#mergeAll().finally(() => {
      this.#merging = undefined;
    });
  }

  async #mergeAll(): Promise<void> {
    const { signal } = this.#stop;
    for (let runs = chooseMerge(this.#runs); runs.length > 0 && !signal.aborted; runs = chooseMerge(this.#runs)) {
      try {
        await this.#merge(runs);
      } catch (cause) {
        // A full disk leaves more runs than need be, no more. After anything else, what is on the disk is not what was written.
        if (!isDiskFull(cause)) {
          this.#fail(cause);
          return;
        }
        await setTimeout(FULL_RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async #merge(runs: readonly SortedRun[]): Promise<void> {
    const cursors = await Promise.all(runs.map((run) => run.cursor()));
    try {
      const count = runs.reduce((sum, { facts }) => sum + facts.records, 0);
      const merged = await this.#write(
        { cursors, count },
        {
          share: () => (this.#runs.length > MANY_RUNS ? 1 : MERGE_SHARE),
          stopped: () => this.#stop.signal.aborted,
        },
      );
      if (merged !== undefined) await this.#install({ added: merged, removed: runs });
    } finally {
      for (const cursor of cursors) await cursor.close();
    }
  }

  /** Ends the set. Damaged runs lose their manifest, so that the next start rebuilds them from the trails. */
  #fail(cause: unknown): EvidentError {
    const error = toStorageError(cause, "index/identity");
    const failure = error instanceof EvidentError ? error : new EvidentError("internal", String(error), { cause });
    this.#failure ??= failure;
    if (failure.code === "corrupt_store") {
      try {
        unlinkSync(join(this.#parts.dir, manifestName));
      } catch (gone) {
        if (systemCode(gone) !== "ENOENT") throw gone;
      }
    }
    return failure;
  }
}

/** Puts `added` where the first of `removed` was, or last. */
function replaceRuns(
  runs: readonly SortedRun[],
  removed: readonly SortedRun[],
  added: SortedRun | undefined,
): readonly SortedRun[] {
  const at = removed[0] === undefined ? runs.length : runs.indexOf(removed[0]);
  const kept = runs.filter((run) => !removed.includes(run));
  return added === undefined ? kept : kept.toSpliced(at, 0, added);
}
