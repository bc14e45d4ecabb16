import { EvidentError } from "@evident/core";
import type { FileSystem, OpenFile } from "./file-system.ts";

/** Writes all of `bytes` at `offset`; the system may take them in several pieces. */
export async function writeFully(file: OpenFile, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const written = await file.pwrite(rest, offset + done);
    if (written <= 0) throw new EvidentError("storage_failed", `a write of ${rest.length} bytes took ${written}`);
    done += written;
  }
}

/** @throws EvidentError `corrupt_store` when the file ends before `offset + length` */
export async function readFully(file: OpenFile, offset: number, length: number, name: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const read = await file.pread(done === 0 ? bytes : bytes.subarray(done), offset + done);
    if (read === 0) {
      throw new EvidentError(
        "corrupt_store",
        `${name} ends at byte ${offset + done}, not at ${offset + length} or later`,
      );
    }
    done += read;
  }
  return bytes;
}

/** Opens, uses and closes a file. */
export async function withFile<Value>(
  fileSystem: FileSystem,
  path: string,
  access: "create" | "update" | "read",
  use: (file: OpenFile) => Promise<Value>,
): Promise<Value> {
  const file = await fileSystem.open(path, access);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
