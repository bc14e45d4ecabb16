import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { toHex } from "@evident/core";
import {
  type FileSystem,
  type Ledger,
  type LedgerOptions,
  nodeFileSystem,
  openFileStorage,
  openLedger,
} from "@evident/server";
import type { DiskStep } from "./disk-model.ts";
import type { Seen, SeenEntry, SeenHead } from "./find-broken-promises.ts";
import { eventIdOf, makeDraft, makeIdentity } from "./make-draft.ts";
import { RecordingFileSystem } from "./recording-file-system.ts";

/** Opens a ledger with small files and short intervals, so that a short run seals, rotates and publishes often. */
export function openSmallLedger(
  directory: string,
  options: Partial<LedgerOptions> & { readonly fileSystem?: FileSystem } = {},
): Promise<Ledger> {
  const { fileSystem, ...others } = options;
  const dataDir = join(directory, "data");
  return openLedger({
    dataDir,
    keysDir: join(directory, "data.keys"),
    version: "test",
    publishIntervalMs: 5,
    segmentEntries: 256,
    walFileBytes: 64 * 1024,
    identityOf: (line) => {
      const id = eventIdOf(line);
      return id === undefined ? undefined : makeIdentity(id);
    },
    storage: openFileStorage(dataDir, fileSystem),
    ...others,
  });
}

type Files = ReadonlyMap<string, Uint8Array>;

/** A run of a ledger as a replay needs it. */
export interface RecordedRun {
  readonly steps: readonly DiskStep[];
  /** The first steps of all, which lay out what was there before the run. */
  readonly adopted: number;
  /** The keys directory as it was when a step was done; the last one at or before it counts. It lies outside the recorded directory. */
  readonly keys: readonly { readonly step: number; readonly files: Files }[];
}

/** What happens to a ledger while it is recorded. */
export interface WatchedLedger {
  readonly ledger: Ledger;
  /** Appends entries to a trail and notes what the outside was told: acknowledgements and signed heads. */
  append(trail: string, ids: readonly string[]): Promise<void>;
}

function watch(ledger: Ledger, recording: RecordingFileSystem): WatchedLedger {
  return {
    ledger,
    async append(trail, ids) {
      const results = await ledger.append(trail, ids.map(makeDraft));
      for (const [i, { index }] of results.entries()) {
        recording.mark("acknowledged", { trail, id: ids[i] ?? "", index } satisfies SeenEntry);
      }
      for (const { name } of ledger.trails()) {
        const { size, root } = ledger.published(name);
        recording.mark("head", { trail: name, size, root: toHex(root) } satisfies SeenHead);
      }
    },
  };
}

function readKeys(directory: string): Files {
  const files = new Map<string, Uint8Array>();
  if (!existsSync(directory)) return files;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(directory.length + 1), readFileSync(path));
  }
  return files;
}

function sameFiles(left: Files | undefined, right: Files): boolean {
  if (left?.size !== right.size) return false;
  return [...right].every(([name, bytes]) => left.get(name)?.length === bytes.length);
}

/**
 * Opens a ledger on `directory`, lets `use` work with it and records every write, barrier and promise. What is in the directory
 * before counts as durable. Nothing is closed unless `use` does it.
 *
 * @param around what lies between the ledger and the recording: a disk that leaves calls out
 */
export async function recordRun(
  directory: string,
  use: (watched: WatchedLedger) => Promise<void>,
  around: (recorded: FileSystem) => FileSystem = (recorded) => recorded,
): Promise<RecordedRun> {
  const keysDir = join(directory, "data.keys");
  const keys: { step: number; files: Files }[] = [{ step: 0, files: readKeys(keysDir) }];
  const recording = new RecordingFileSystem(nodeFileSystem, join(directory, "data"), (done) => {
    const files = readKeys(keysDir);
    if (!sameFiles(keys.at(-1)?.files, files)) keys.push({ step: done, files });
  });
  recording.adopt();
  const adopted = recording.steps.length;
  await use(watch(await openSmallLedger(directory, { fileSystem: around(recording) }), recording));
  return { steps: recording.steps, adopted, keys };
}

/** What the outside had seen when `end` steps were done. */
export function seenAfter(run: RecordedRun, end: number): Seen {
  const acknowledged: SeenEntry[] = [];
  const heads: SeenHead[] = [];
  for (const step of run.steps.slice(0, end)) {
    if (step.kind !== "mark") continue;
    if (step.label === "acknowledged") acknowledged.push(step.value as SeenEntry);
    else heads.push(step.value as SeenHead);
  }
  return { acknowledged, heads };
}

/** Writes the keys directory as it was when `end` steps were done. */
export function writeKeys(run: RecordedRun, end: number, directory: string): void {
  const files = run.keys.findLast(({ step }) => step <= end)?.files ?? new Map<string, Uint8Array>();
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(directory, name)), { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, name), bytes, { mode: 0o600 });
  }
}
