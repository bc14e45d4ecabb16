import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { EvidentError } from "@evident/core";
import type { FileSystem } from "./file-system.ts";
import { FileWal } from "./file-wal.ts";
import { fillWithZeros } from "./spare-file.ts";
import { systemCode, toStorageError } from "./storage-errors.ts";
import type { Wal } from "./types.ts";
import { isSpareFileName, walFileName } from "./wal-file-name.ts";
import { writeFully } from "./whole-file.ts";

/** Room for records in the first file of an epoch. Later files double up to the configured size. */
const FIRST_BYTES = 4 << 20;

interface Place {
  readonly file: string;
  readonly offset: number;
}

/**
 * Starts an epoch: file 0 with the recovery records and zeros behind them, written under a temporary name, synced and renamed into
 * `wal/`, so that a crash leaves none or all of it. Spares of earlier runs go away; they never held a record.
 */
export async function startWal(
  fileSystem: FileSystem,
  paths: { readonly wal: string; readonly temporary: string },
  start: { readonly epoch: number; readonly first: AsyncIterable<Uint8Array>; readonly fileBytes: number },
): Promise<{ readonly wal: Wal; readonly placed: readonly Place[] }> {
  const name = walFileName(start.epoch, 0);
  const temporary = join(paths.temporary, `${name}-${randomBytes(6).toString("hex")}`);
  try {
    // A rename would put the new file in the place of the old one's records.
    if (await exists(fileSystem, join(paths.wal, name))) {
      throw new EvidentError("internal", `wal/${name} exists: epoch ${start.epoch} was started before`);
    }
    const handle = await fileSystem.open(temporary, "create");
    try {
      const placed: Place[] = [];
      let end = 0;
      for await (const record of start.first) {
        placed.push({ file: name, offset: end });
        await writeFully(handle, record, end);
        end += record.length;
      }
      const allocated = end + Math.min(FIRST_BYTES, start.fileBytes);
      const syncs = await fillWithZeros(handle, end, allocated);
      await handle.fsync();
      await fileSystem.rename(temporary, join(paths.wal, name));
      await fileSystem.syncDirectory(paths.wal);
      await removeSpares(fileSystem, paths.wal);
      const wal = new FileWal({
        fileSystem,
        directory: paths.wal,
        epoch: start.epoch,
        fileBytes: start.fileBytes,
        current: { name, handle, begin: end, end, allocated },
        fsyncs: syncs + 2,
      });
      return { wal, placed };
    } catch (cause) {
      await handle.close().catch(() => undefined);
      await fileSystem.unlink(temporary).catch(() => undefined);
      throw cause;
    }
  } catch (cause) {
    throw toStorageError(cause, `wal/${name}`);
  }
}

async function exists(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    await fileSystem.stat(path);
    return true;
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return false;
    throw cause;
  }
}

async function removeSpares(fileSystem: FileSystem, directory: string): Promise<void> {
  const names = (await fileSystem.readdir(directory)).map(({ name }) => name).filter(isSpareFileName);
  for (const name of names) await fileSystem.unlink(join(directory, name));
  if (names.length > 0) await fileSystem.syncDirectory(directory);
}
