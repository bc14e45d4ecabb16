import { hash } from "node:crypto";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const BLOCK_BYTES = 16 << 20;

function hashBytes(sizeBytes: number): number {
  const block = Buffer.alloc(BLOCK_BYTES, "an entry of a log, as text of some length; ");
  const startedMs = performance.now();
  for (let left = sizeBytes; left > 0; left -= BLOCK_BYTES)
    hash("sha256", block.subarray(0, Math.min(left, BLOCK_BYTES)), "buffer");
  return performance.now() - startedMs;
}

/**
 * SHA-256 over so many bytes in memory, by as many threads: the least that any verifier of them must do.
 *
 * @returns milliseconds of the slowest thread, its start not counted
 */
export async function rawHash(sizeBytes: number, threads: number): Promise<number> {
  const shares = Array.from({ length: threads }, () => {
    const thread = new Worker(new URL(import.meta.url), { workerData: { sizeBytes: Math.ceil(sizeBytes / threads) } });
    return new Promise<number>((resolve, reject) => {
      thread.once("message", (ms: number) => resolve(ms));
      thread.once("error", reject);
    });
  });
  return Math.max(...(await Promise.all(shares)));
}

if (!isMainThread) {
  const share = workerData as { readonly sizeBytes?: number } | null;
  if (share?.sizeBytes !== undefined) parentPort?.postMessage(hashBytes(share.sizeBytes), []);
}
