import { Worker } from "node:worker_threads";
import { EvidentError } from "@evident/core";
import type { IndexNumbers } from "./index-store.ts";
import { type LinePack, packLines } from "./line-pack.ts";
import type { Call, CallName, Calls, Failure, FromWorker, ToWorker, WorkerSettings } from "./messages.ts";

/** What the thread reports. */
export interface ThreadEvents {
  opened(message: FromWorker & { readonly kind: "opened" }): void;
  indexed(message: FromWorker & { readonly kind: "indexed" }): void;
  sealed(numbers: IndexNumbers): void;
  /** Once, when the thread is gone: nobody has the index open any more. */
  ended(failure: Failure | undefined): void;
}

interface WaitingCall {
  resolve(value: Calls[CallName]["answer"]): void;
  reject(error: unknown): void;
}

function unavailable(): EvidentError {
  return new EvidentError("not_ready", "the index is being started again", { fix: "Ask again in some seconds." });
}

/** The thread that has the index open, as seen from the main thread. */
export class IndexThread {
  private readonly worker: Worker;
  private readonly calls = new Map<number, WaitingCall>();
  private readonly exited = Promise.withResolvers<void>();
  private nextId = 0;
  private failure: Failure | undefined;
  private isGone = false;

  constructor(settings: WorkerSettings, events: ThreadEvents) {
    this.worker = new Worker(new URL("./search-worker.ts", import.meta.url), {
      name: "evident-search",
      workerData: settings,
      // Parsing makes much short-lived garbage: a larger nursery spares copying it.
      resourceLimits: { maxYoungGenerationSizeMb: 96 },
    });
    this.worker.on("message", (message: FromWorker) => this.take(message, events));
    this.worker.on("error", (error) => {
      this.failure ??= {
        kind: "failed",
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      };
    });
    this.worker.on("exit", () => {
      this.isGone = true;
      for (const call of this.calls.values()) call.reject(unavailable());
      this.calls.clear();
      this.exited.resolve();
      events.ended(this.failure);
    });
  }

  get hasEnded(): boolean {
    return this.isGone;
  }

  private take(message: FromWorker, events: ThreadEvents): void {
    switch (message.kind) {
      case "opened":
        events.opened(message);
        return;
      case "indexed":
        events.indexed(message);
        return;
      case "sealed":
        events.sealed(message.numbers);
        return;
      case "answer":
        this.calls.get(message.id)?.resolve(message.value);
        this.calls.delete(message.id);
        return;
      case "refusal":
        this.refuse(message.id, message.failure);
        return;
      case "failed":
        void this.end(message.failure);
    }
  }

  private refuse(id: number, failure: Failure): void {
    const call = this.calls.get(id);
    this.calls.delete(id);
    switch (failure.kind) {
      case "refused":
        call?.reject(new EvidentError(failure.code, failure.message, { fix: failure.fix }));
        return;
      case "failed":
        call?.reject(new EvidentError("internal", `the index failed: ${failure.message}`));
        return;
      case "damage":
      case "broken":
        call?.reject(unavailable());
        void this.end(failure);
    }
  }

  /** Hands entries over; `bytes` of its message `indexed` is what this returns. */
  index(trail: string, first: number, entries: readonly Uint8Array[]): number {
    const pack = packLines(entries);
    const bytes = pack.byteLength;
    this.post({ kind: "entries", trail, first, pack }, [pack]);
    return bytes;
  }

  /** @throws EvidentError `not_ready` when the thread ends before the answer, `internal`, or what the call refuses with */
  async call<Name extends CallName>(
    name: Name,
    ask: Calls[Name]["ask"],
    options: { readonly signal?: AbortSignal | undefined; readonly transfer?: LinePack[] } = {},
  ): Promise<Calls[Name]["answer"]> {
    const { signal, transfer } = options;
    signal?.throwIfAborted();
    if (this.isGone) throw unavailable();
    const id = this.nextId++;
    const settle = Promise.withResolvers<Calls[CallName]["answer"]>();
    const abort = (): void => {
      this.post({ kind: "abort", id });
      this.calls.delete(id);
      settle.reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.calls.set(id, settle);
    // The name says which of the questions and answers it is.
    this.post({ kind: "call", id, name, ask } as Call, transfer);
    try {
      return await settle.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  private post(message: ToWorker, transfer: LinePack[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  /** Lets the thread finish, and ends it when that takes longer than `waitMs`. */
  async close(waitMs: number): Promise<void> {
    this.post({ kind: "close" });
    const timer = setTimeout(() => void this.worker.terminate(), waitMs);
    await this.exited.promise;
    clearTimeout(timer);
  }

  /** Ends the thread at once; `ended` gets the failure. */
  async end(failure: Failure | undefined): Promise<void> {
    this.failure ??= failure;
    await this.worker.terminate();
    await this.exited.promise;
  }
}
