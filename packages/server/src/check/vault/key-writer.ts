import { Worker } from "node:worker_threads";
import { EvidentError } from "@evident/core";

export interface KeyRow {
  readonly id: string;
  readonly key: Uint8Array;
}

export interface KeyWorkerData {
  readonly dir: string;
}

/** The thread's answer to one transaction. */
export type Written = { readonly kind: "done" } | { readonly kind: "failed"; readonly message: string };

interface Batch {
  readonly rows: KeyRow[];
  readonly done: PromiseWithResolvers<void>;
}

function makeBatch(): Batch {
  return { rows: [], done: Promise.withResolvers<void>() };
}

function toFailure(message: string): EvidentError {
  const code = /full/.test(message) ? "storage_full" : "storage_failed";
  return new EvidentError(code, `the vault could not be written: ${message}`);
}

/**
 * Writes keys in a thread of its own, which starts with the first of them. Group commit: what gathers while a transaction is written goes
 * into the next one.
 */
export class KeyWriter {
  readonly #dir: string;
  #worker: Worker | undefined;
  #waiting = makeBatch();
  #inFlight: Batch | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Resolves when the rows are durable. @throws EvidentError `storage_full`, `storage_failed` */
  async write(rows: readonly KeyRow[]): Promise<void> {
    const batch = this.#waiting;
    batch.rows.push(...rows);
    this.#send();
    await batch.done.promise;
  }

  /** Waits for what is being written and ends the thread. */
  async close(): Promise<void> {
    while (this.#inFlight !== undefined) await this.#inFlight.done.promise.catch(() => undefined);
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #send(): void {
    if (this.#inFlight !== undefined || this.#waiting.rows.length === 0) return;
    this.#worker ??= this.#start();
    this.#inFlight = this.#waiting;
    this.#waiting = makeBatch();
    // What waits for its keys keeps the process alive; the idle thread does not.
    this.#worker.ref();
    this.#worker.postMessage(this.#inFlight.rows, []);
  }

  #start(): Worker {
    const data: KeyWorkerData = { dir: this.#dir };
    const worker = new Worker(new URL("./key-worker.ts", import.meta.url), { workerData: data });
    worker.on("message", (written: Written) => {
      this.#settle(written.kind === "done" ? undefined : toFailure(written.message));
    });
    worker.on("error", (cause) => this.#lose(worker, cause instanceof Error ? cause.message : String(cause)));
    worker.on("exit", () => this.#lose(worker, "its thread ended"));
    return worker;
  }

  /** The next write starts another thread. */
  #lose(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#settle(toFailure(why));
  }

  #settle(failure: EvidentError | undefined): void {
    const batch = this.#inFlight;
    this.#inFlight = undefined;
    this.#worker?.unref();
    if (failure === undefined) batch?.done.resolve();
    else batch?.done.reject(failure);
    this.#send();
  }
}
