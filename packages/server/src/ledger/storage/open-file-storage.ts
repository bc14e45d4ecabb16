import { join, resolve } from "node:path";
import { Directories } from "./directories.ts";
import { FileObjectStore } from "./file-object-store.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";
import { readWalFile, removeWalFiles } from "./file-wal.ts";
import { startWal } from "./start-wal.ts";
import { systemCode, toStorageError } from "./storage-errors.ts";
import { takeStoreLock } from "./store-lock.ts";
import type { Storage } from "./types.ts";
import { isWalFileName } from "./wal-file-name.ts";

/**
 * Storage in files of one data directory, which is made (0700) when the lock is taken. Beside the objects it holds `wal/`,
 * `tmp/` (unfinished files, emptied when the lock is taken) and `lock.sqlite`.
 *
 * @param dataDir absolute, or relative to the working directory
 * @param fileSystem every file operation but the lock's goes through it
 */
export function openFileStorage(dataDir: string, fileSystem: FileSystem = nodeFileSystem): Storage {
  const root = resolve(dataDir);
  const wal = join(root, "wal");
  const directories = new Directories(fileSystem, root);
  const objects = new FileObjectStore(root, fileSystem, directories);
  return {
    objects,
    async walFiles() {
      return listWalFiles(fileSystem, wal);
    },
    readWalFile: (file, offset, length) => readWalFile(fileSystem, wal, { file, offset, length }),
    async openWal(epoch, first, { fileBytes }) {
      const begin = () => startWal(fileSystem, { wal, temporary: join(root, "tmp") }, { epoch, first, fileBytes });
      try {
        return await directories.holding("tmp", () => directories.holding("wal", begin));
      } catch (cause) {
        throw toStorageError(cause, "wal/");
      }
    },
    async removeWalFiles(files) {
      try {
        await removeWalFiles(fileSystem, wal, files);
      } catch (cause) {
        throw toStorageError(cause, "wal/");
      }
    },
    async lock() {
      await directories
        .holding("", () => Promise.resolve())
        .catch((cause: unknown) => {
          throw toStorageError(cause, root);
        });
      const lock = takeStoreLock(root);
      try {
        await objects.clearTemporary();
      } catch (cause) {
        lock.release();
        throw cause;
      }
      return lock;
    },
  };
}

async function listWalFiles(
  fileSystem: FileSystem,
  directory: string,
): Promise<readonly { readonly file: string; readonly sizeBytes: number }[]> {
  try {
    const names = (await fileSystem.readdir(directory)).map(({ name }) => name).filter(isWalFileName);
    const files = names.sort().map(async (file) => {
      const { sizeBytes } = await fileSystem.stat(join(directory, file));
      return { file, sizeBytes };
    });
    return await Promise.all(files);
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return [];
    throw toStorageError(cause, "wal/");
  }
}
