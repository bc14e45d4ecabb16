import { parentPort } from "node:worker_threads";
import { runTask } from "./run-task.ts";
import type { VerifyTask } from "./tasks.ts";

parentPort?.on("message", ({ id, task }: { readonly id: number; readonly task: VerifyTask }) => {
  try {
    parentPort?.postMessage({ id, result: runTask(task) }, []);
  } catch (cause) {
    parentPort?.postMessage(
      { id, failure: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) },
      [],
    );
  }
});
