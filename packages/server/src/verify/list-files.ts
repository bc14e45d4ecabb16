import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** A file below the data directory. `other`: a link, socket or device, which no store holds. */
export interface FoundFile {
  /** Relative to the data directory, with `/`. */
  readonly path: string;
  readonly kind: "file" | "other";
}

/** Every file below `folder` of the data directory, in order of name; nothing when it is not there. */
export function* listFiles(dataDir: string, folder: string): Generator<FoundFile> {
  for (const entry of readFolder(join(dataDir, folder))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* listFiles(dataDir, path);
    else yield { path, kind: entry.isFile() ? "file" : "other" };
  }
}

function readFolder(path: string): ReturnType<typeof readEntries> {
  try {
    return readEntries(path);
  } catch (cause) {
    if (isAbsent(cause)) return [];
    throw cause;
  }
}

function readEntries(path: string) {
  return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isAbsent(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR");
}

/** Files directly in `folder`. */
export function listTopFiles(dataDir: string, folder: string): FoundFile[] {
  return readFolder(join(dataDir, folder)).flatMap((entry) => {
    if (entry.isDirectory()) return [];
    return [{ path: `${folder}/${entry.name}`, kind: entry.isFile() ? "file" : "other" }];
  });
}

/** Names of the folders directly below `folder`. */
export function listFolders(dataDir: string, folder: string): string[] {
  return readFolder(join(dataDir, folder)).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

/** Length of a file; undefined when it is not there. */
export function fileSize(path: string): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found.size : undefined;
}
