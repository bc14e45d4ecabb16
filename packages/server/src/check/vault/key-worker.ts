import { parentPort, workerData } from "node:worker_threads";
import type { KeyRow, KeyWorkerData, Written } from "./key-writer.ts";
import { openDatabase } from "./open-database.ts";

/** The thread that writes keys: a transaction waits for the disk several times, and requests must not wait with it. */
function serve({ dir }: KeyWorkerData): void {
  const database = openDatabase(dir);
  const insert = database.prepare("INSERT INTO blob_keys (id, key) VALUES (?, ?)");
  const write = (rows: readonly KeyRow[]): Written => {
    try {
      database.exec("BEGIN IMMEDIATE");
      for (const { id, key } of rows) insert.run(id, key);
      database.exec("COMMIT");
      return { kind: "done" };
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      return { kind: "failed", message: cause instanceof Error ? cause.message : String(cause) };
    }
  };
  parentPort?.on("message", (rows: readonly KeyRow[]) => parentPort?.postMessage(write(rows), []));
}

serve(workerData as KeyWorkerData);
