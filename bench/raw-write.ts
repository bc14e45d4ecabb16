import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

const FILL_BYTES = 16 << 20;

/** Text like a log's, so that a disk that compresses has no easier time with it. */
function fill(sample: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FILL_BYTES);
  for (let at = 0; at < bytes.length; at += sample.length)
    bytes.set(sample.subarray(0, Math.min(sample.length, bytes.length - at)), at);
  return bytes;
}

/**
 * The plain way to make the same bytes durable: one write and one fdatasync per batch, nothing else.
 *
 * @param batchBytes sizes of the batches in order
 * @param prepared write over synced zeros, as the log does, instead of growing the file; preparing is not timed
 * @returns milliseconds
 */
export function rawWrite(
  directory: string,
  batchBytes: readonly number[],
  sample: Uint8Array,
  prepared: boolean,
): number {
  const path = join(directory, "raw");
  const bytes = fill(sample);
  const total = batchBytes.reduce((sum, each) => sum + each, 0);
  const handle = openSync(path, "w");
  try {
    if (prepared) {
      const zeros = new Uint8Array(FILL_BYTES);
      for (let at = 0; at < total; at += zeros.length) writeSync(handle, zeros, 0, zeros.length, at);
      fdatasyncSync(handle);
    }
    const startedMs = performance.now();
    let at = 0;
    for (const sizeBytes of batchBytes) {
      for (let done = 0; done < sizeBytes; ) {
        done += writeSync(handle, bytes, 0, Math.min(sizeBytes - done, bytes.length), at + done);
      }
      fdatasyncSync(handle);
      at += sizeBytes;
    }
    return performance.now() - startedMs;
  } finally {
    closeSync(handle);
    rmSync(path);
  }
}
