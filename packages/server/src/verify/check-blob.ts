import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { equalBytes } from "@evident/core";

const PIECE_BYTES = 1 << 20;

/** Length and SHA-256 of a file, read in pieces; undefined when there is none. */
export function digestFile(path: string): { readonly sizeBytes: number; readonly sha256: Uint8Array } | undefined {
  let handle: number;
  try {
    handle = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    const hash = createHash("sha256");
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, fstatSync(handle).size + 1));
    let sizeBytes = 0;
    for (;;) {
      const count = readSync(handle, piece, 0, piece.length, sizeBytes);
      if (count === 0) return { sizeBytes, sha256: new Uint8Array(hash.digest()) };
      hash.update(piece.subarray(0, count));
      sizeBytes += count;
    }
  } catch {
    // A directory in the file's place, or a disk that cannot read it.
    return undefined;
  } finally {
    closeSync(handle);
  }
}

/** What became of a blob. `pending`: its content is there under the name it has before its entry is committed. */
export type BlobVerdict =
  | { readonly kind: "intact" }
  | { readonly kind: "pending" }
  | { readonly kind: "missing" | "edited" | "truncated"; readonly file: string; readonly detail: string };

/** Compares a blob with the digest and size that its entry states. */
export function checkBlob(
  dataDir: string,
  file: string,
  stated: { readonly sha256: Uint8Array; readonly sizeBytes: number },
): BlobVerdict {
  const found = digestFile(join(dataDir, file));
  if (found === undefined) {
    const pending = digestFile(join(dataDir, `${file}.pending`));
    if (pending !== undefined && equalBytes(pending.sha256, stated.sha256)) return { kind: "pending" };
    return { kind: "missing", file, detail: "the blob that the entry names is not there" };
  }
  if (equalBytes(found.sha256, stated.sha256) && found.sizeBytes === stated.sizeBytes) return { kind: "intact" };
  const detail = `the blob has ${found.sizeBytes} bytes and another digest; the entry states ${stated.sizeBytes} bytes`;
  return { kind: found.sizeBytes < stated.sizeBytes ? "truncated" : "edited", file, detail };
}
