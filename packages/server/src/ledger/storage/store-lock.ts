import { chmodSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EvidentError } from "@evident/core";

const SQLITE_BUSY = 5;

/**
 * Takes the one-writer lock of a data directory: an exclusive transaction that is never ended. The operating system frees it with
 * the process, however that dies, and a paused process keeps it. Works between the threads of one process too.
 * Nobody else may open and close `lock.sqlite` in this process: POSIX would drop the lock with it.
 * @throws EvidentError `store_in_use`
 */
export function takeStoreLock(dataDir: string): { release(): void } {
  const path = join(dataDir, "lock.sqlite");
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    chmodSync(path, 0o600);
  } catch (cause) {
    database.close();
    const code = cause instanceof Error && "errcode" in cause ? Number(cause.errcode) & 0xff : undefined;
    if (code === SQLITE_BUSY) {
      throw new EvidentError("store_in_use", `${dataDir} is open in another process`, { cause });
    }
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new EvidentError("storage_failed", `${path}: ${detail}`, { cause });
  }
  return {
    release() {
      if (database.isOpen) database.close();
    },
  };
}
