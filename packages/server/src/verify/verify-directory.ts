import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { EvidentError } from "@evident/core";
import { fileSize, listFiles, listFolders } from "./list-files.ts";
import { RememberedHeads } from "./remembered-heads.ts";
import { Report } from "./report.ts";
import type { VerifyOptions, VerifyReport } from "./types.ts";
import { verifyStore } from "./verify-store.ts";
import { abortable, runInPlace, WorkerPool } from "./worker-pool.ts";

/** Below this a store is verified before threads would have started. */
const SMALL_BYTES = 8 << 20;

/**
 * Verifies the store in a data directory from its bytes alone: every entry against its trail's tree, every tile, the signatures of
 * checkpoints and key rotations, the log, sealed files against the digests that `evident` records, blobs, and that nothing else is
 * there. Reads only; writes nothing but the remembered heads, and these only when nothing has failed. Memory stays bounded: about one
 * hash for each 256 entries beside what the threads work on.
 *
 * @param options `keys`: the genesis keys of `evident`; without them the store's own statement is taken
 * @throws EvidentError `not_found` when there is no store, `store_in_use` when it changed meanwhile, `malformed` when the file of
 *   remembered heads does not hold any
 */
export async function verifyDirectory(dataDir: string, options: VerifyOptions): Promise<VerifyReport> {
  if (listFolders(dataDir, "trails").length === 0 && listFolders(dataDir, "").every((name) => name !== "wal")) {
    throw new EvidentError("not_found", `${dataDir} holds no store: there is no folder trails or wal in it`, {
      fix: "Name the data directory of a server, such as ./data.",
    });
  }
  const remembered = options.rememberFile === undefined ? undefined : new RememberedHeads(options.rememberFile);
  const report = new Report();
  const width = options.workers ?? availableParallelism();
  const runner = abortable(storeBytes(dataDir) < SMALL_BYTES ? runInPlace() : new WorkerPool(width), options.signal);
  const before = stateOf(dataDir);
  try {
    const { onProgress = () => undefined, keys: trustedKeys } = options;
    const anchor = await verifyStore({ dataDir, runner, report, remembered, trustedKeys, onProgress });
    if (stateOf(dataDir) !== before) {
      throw new EvidentError("store_in_use", `${dataDir} changed while it was verified`, {
        fix: "Stop the server first, or verify its URL.",
      });
    }
    if (!report.hasFailed()) remembered?.save();
    return report.finish(anchor);
  } finally {
    await runner.close();
  }
}

function storeBytes(dataDir: string): number {
  let sum = 0;
  for (const folder of ["wal", ...listFolders(dataDir, "trails").map((trail) => `trails/${trail}/segments`)]) {
    for (const { path } of listFiles(dataDir, folder)) sum += fileSize(join(dataDir, path)) ?? 0;
  }
  return sum;
}

/** What changes with every write of a running server: the log files, and each trail's checkpoint. */
function stateOf(dataDir: string): string {
  const files = [
    ...[...listFiles(dataDir, "wal")].map(({ path }) => path),
    ...listFolders(dataDir, "trails").map((trail) => `trails/${trail}/checkpoint`),
  ];
  return files
    .map((file) => {
      const found = statSync(join(dataDir, file), { throwIfNoEntry: false });
      return `${file} ${found?.size} ${found?.mtimeMs}`;
    })
    .join("\n");
}
