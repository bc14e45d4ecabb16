import { createHash, randomBytes } from "node:crypto";
import { endianness } from "node:os";
import { join } from "node:path";
import { type FileSystem, readFully, systemCode, withFile, writeFully } from "../storage/index.ts";
import type { RunFacts } from "./run-writer.ts";

export const manifestName = "manifest.json";

/** Which run files make up the store, oldest records first, and what of each trail they cover. */
export interface Manifest {
  readonly v: 1;
  /** Records are in this machine's byte order. */
  readonly byteOrder: "LE" | "BE";
  /** What the identities are keyed and counted by; another binding means another store's index. */
  readonly binding: string;
  readonly nextRun: number;
  readonly coveredTo: Readonly<Record<string, number>>;
  readonly runs: readonly RunFacts[];
}

export function emptyManifest(binding: string): Manifest {
  return { v: 1, byteOrder: endianness(), binding, nextRun: 0, coveredTo: {}, runs: [] };
}

export function runFileName(number: number): string {
  return `${String(number).padStart(10, "0")}.run`;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isRun(value: unknown): value is RunFacts {
  if (typeof value !== "object" || value === null) return false;
  const { number, records, filterBlocks } = value as Partial<RunFacts>;
  return isCount(number) && isCount(records) && isCount(filterBlocks) && filterBlocks > 0;
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== "object" || value === null) return false;
  const { v, byteOrder, binding, nextRun, coveredTo, runs } = value as Partial<Manifest>;
  return (
    v === 1 &&
    byteOrder === endianness() &&
    typeof binding === "string" &&
    isCount(nextRun) &&
    typeof coveredTo === "object" &&
    coveredTo !== null &&
    Object.values(coveredTo).every(isCount) &&
    Array.isArray(runs) &&
    runs.every(isRun)
  );
}

function digest(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}

/** The manifest, or undefined when there is none, it is damaged, or another machine or version wrote it. */
export async function readManifest(fileSystem: FileSystem, dir: string): Promise<Manifest | undefined> {
  let text: string;
  try {
    text = await withFile(fileSystem, join(dir, manifestName), "read", async (file) =>
      Buffer.from(await readFully(file, 0, await file.sizeBytes(), manifestName)).toString("utf8"),
    );
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return undefined;
    throw cause;
  }
  const [body = "", sum] = text.split("\n");
  if (sum !== digest(body)) return undefined;
  const value: unknown = JSON.parse(body);
  return isManifest(value) ? value : undefined;
}

/** Replaces the manifest: temporary file, fsync, rename, fsync of the directory. */
export async function writeManifest(fileSystem: FileSystem, dir: string, manifest: Manifest): Promise<void> {
  const body = JSON.stringify(manifest);
  const temporary = join(dir, `${manifestName}-${randomBytes(6).toString("hex")}`);
  try {
    await withFile(fileSystem, temporary, "create", async (file) => {
      await writeFully(file, Buffer.from(`${body}\n${digest(body)}\n`), 0);
      await file.fsync();
    });
    await fileSystem.rename(temporary, join(dir, manifestName));
    await fileSystem.syncDirectory(dir);
  } catch (cause) {
    await fileSystem.unlink(temporary).catch(() => undefined);
    throw cause;
  }
}

/** Removes every file of the store but the runs to keep. Called at start, when nothing else uses the directory. */
export async function sweep(fileSystem: FileSystem, dir: string, keep: Manifest | undefined): Promise<void> {
  const names = new Set(
    keep === undefined ? [] : [manifestName, ...keep.runs.map(({ number }) => runFileName(number))],
  );
  const stray = (await fileSystem.readdir(dir)).filter(({ name, kind }) => kind === "file" && !names.has(name));
  // The manifest first: without its runs it would be taken for damage.
  for (const { name } of stray.sort((a) => (a.name === manifestName ? -1 : 1)))
    await fileSystem.unlink(join(dir, name));
  if (stray.length > 0) await fileSystem.syncDirectory(dir);
}
