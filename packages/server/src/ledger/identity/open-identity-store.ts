import { join } from "node:path";
import { EvidentError } from "@evident/core";
import { Directories, type FileSystem, nodeFileSystem, systemCode, toStorageError } from "../storage/index.ts";
import { LsmIdentityStore } from "./lsm-identity-store.ts";
import { emptyManifest, type Manifest, readManifest, runFileName, sweep } from "./manifest.ts";
import { SortedRun } from "./sorted-run.ts";
import type { IdentityStore } from "./types.ts";

const MEMORY_BYTES = 256 << 20;

/** How to open an identity store. */
export interface IdentityStoreOptions {
  /** Bound on tables, fences and filters, default 256 MiB. Beyond it the oldest runs' filters stay on the disk. */
  readonly memoryBytes?: number;
  /** Names what the identities are keyed by, at most 256 characters; runs made under another name are discarded. */
  readonly binding?: string;
  /** Sizes of all trails. A store that covers more of a trail than there is, or an unknown one, is another's and discarded. */
  readonly trailSizes?: Readonly<Record<string, number>>;
  /** Every durable step goes through it; look-ups read files directly. */
  readonly fileSystem?: FileSystem;
}

/**
 * Opens the identities below `dir` (`data/index/identity`), which is made when missing. What is missing or damaged is discarded as a
 * whole and `coveredTo` is then empty: the caller adds the entries beyond `coveredTo` again. A crash at any moment loses only what no
 * flush has finished. A page that turns out damaged later ends the store with `corrupt_store`, and the next start rebuilds it.
 *
 * @throws EvidentError `storage_full`, `storage_failed`
 */
export async function openIdentityStore(dir: string, options: IdentityStoreOptions = {}): Promise<IdentityStore> {
  const { fileSystem = nodeFileSystem, memoryBytes = MEMORY_BYTES, binding = "" } = options;
  try {
    await new Directories(fileSystem, dir).holding("", () => Promise.resolve());
    const found = await readManifest(fileSystem, dir);
    const usable = found !== undefined && isOurs(found, binding, options.trailSizes) ? found : undefined;
    const runs = usable === undefined ? undefined : await openRuns(fileSystem, dir, usable, memoryBytes);
    const manifest = runs === undefined ? undefined : usable;
    await sweep(fileSystem, dir, manifest);
    return new LsmIdentityStore(memoryBytes, {
      fileSystem,
      dir,
      manifest: manifest ?? emptyManifest(binding),
      runs: runs ?? [],
    });
  } catch (cause) {
    throw toStorageError(cause, dir);
  }
}

function isOurs(manifest: Manifest, binding: string, sizes: Readonly<Record<string, number>> | undefined): boolean {
  if (manifest.binding !== binding) return false;
  return (
    sizes === undefined || Object.entries(manifest.coveredTo).every(([trail, size]) => size <= (sizes[trail] ?? 0))
  );
}

/** Opens the runs, with filters for the newest as far as memory goes; undefined when any of them is not whole. */
async function openRuns(
  fileSystem: FileSystem,
  dir: string,
  manifest: Manifest,
  memoryBytes: number,
): Promise<readonly SortedRun[] | undefined> {
  const runs: SortedRun[] = [];
  try {
    for (const facts of manifest.runs) {
      runs.push(await SortedRun.open(fileSystem, join(dir, runFileName(facts.number)), facts));
    }
    let left = memoryBytes - runs.reduce((sum, run) => sum + run.memoryBytes, 0);
    for (const run of runs.toReversed()) {
      left -= run.filterBytes;
      if (left >= 0) await run.loadFilter();
    }
    return runs;
  } catch (cause) {
    for (const run of runs) run.close();
    const damaged = cause instanceof EvidentError && cause.code === "corrupt_store";
    if (damaged || systemCode(cause) === "ENOENT") return undefined;
    throw cause;
  }
}
