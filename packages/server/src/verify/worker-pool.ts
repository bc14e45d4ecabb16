import { Worker } from "node:worker_threads";
import { EvidentError } from "@evident/core";
import { runTask } from "./run-task.ts";
import type { ResultOf, VerifyTask } from "./tasks.ts";

/** Runs tasks, at most `width` at a time. */
export interface TaskRunner {
  readonly width: number;
  run<Task extends VerifyTask>(task: Task): Promise<ResultOf<Task>>;
  close(): Promise<void>;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: string;
}

interface Waiting {
  readonly task: VerifyTask;
  readonly settle: PromiseWithResolvers<unknown>;
}

/** Runs tasks where it is called: small stores are done before a thread has started. */
export function runInPlace(): TaskRunner {
  return {
    width: 1,
    run: async <Task extends VerifyTask>(task: Task) => runTask(task),
    close: () => Promise.resolve(),
  };
}

/** A runner that takes no further task once `signal` has aborted. */
export function abortable(runner: TaskRunner, signal: AbortSignal | undefined): TaskRunner {
  if (signal === undefined) return runner;
  return {
    width: runner.width,
    run: async <Task extends VerifyTask>(task: Task) => {
      signal.throwIfAborted();
      return runner.run(task);
    },
    close: () => runner.close(),
  };
}

/** A thread with the task it is at. */
interface Seat {
  readonly worker: Worker;
  current: { readonly id: number; readonly waiting: Waiting } | undefined;
}

/** Threads that run tasks in the order they come. A thread that dies takes the verification with it: nothing is skipped. */
export class WorkerPool implements TaskRunner {
  readonly width: number;
  readonly #seats: Seat[];
  readonly #queue: Waiting[] = [];
  #nextId = 0;
  #failure: Error | undefined;

  constructor(width: number) {
    this.width = width;
    this.#seats = Array.from({ length: width }, () => this.#seat());
  }

  run<Task extends VerifyTask>(task: Task): Promise<ResultOf<Task>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const settle = Promise.withResolvers<unknown>();
    this.#queue.push({ task, settle });
    this.#dispatch();
    return settle.promise as Promise<ResultOf<Task>>;
  }

  async close(): Promise<void> {
    this.#failure ??= new EvidentError("internal", "the verification has ended");
    await Promise.all(this.#seats.map(({ worker }) => worker.terminate()));
  }

  #seat(): Seat {
    const worker = new Worker(new URL("./verify-worker.ts", import.meta.url), { name: "evident-verify" });
    const seat: Seat = { worker, current: undefined };
    worker.on("message", (answer: Answer) => this.#settle(seat, answer));
    worker.on("error", (cause) => this.#fail(cause instanceof Error ? cause : new Error(String(cause))));
    worker.on("exit", () => this.#fail(new EvidentError("internal", "a verification thread ended early")));
    return seat;
  }

  #dispatch(): void {
    for (const seat of this.#seats) {
      if (seat.current !== undefined) continue;
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      const id = this.#nextId;
      this.#nextId += 1;
      seat.current = { id, waiting };
      seat.worker.postMessage({ id, task: waiting.task }, movable(waiting.task));
    }
  }

  #settle(seat: Seat, answer: Answer): void {
    const { current } = seat;
    if (current === undefined || current.id !== answer.id) return;
    seat.current = undefined;
    if (answer.failure === undefined) current.waiting.settle.resolve(answer.result);
    else current.waiting.settle.reject(new EvidentError("internal", `a verification thread failed: ${answer.failure}`));
    this.#dispatch();
  }

  #fail(cause: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = cause;
    for (const { current } of this.#seats) current?.waiting.settle.reject(cause);
    for (const { settle } of this.#queue.splice(0)) settle.reject(cause);
  }
}

/** Memory that may go over to the thread instead of being copied: that of a bundle, which nobody else looks at. */
function movable(task: VerifyTask): ArrayBuffer[] {
  if (task.kind !== "bundle" || task.bundle === undefined) return [];
  const { buffer, byteLength } = task.bundle;
  // Short answers lie in a piece of memory that they share with others.
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}

/** Runs tasks side by side and gives their results in order, with a bounded number under way. */
export async function* inOrder<Task extends VerifyTask>(
  runner: TaskRunner,
  tasks: Iterable<Task>,
): AsyncGenerator<{ readonly task: Task; readonly result: ResultOf<Task> }> {
  const ahead = runner.width * 2;
  const under: { readonly task: Task; readonly result: Promise<ResultOf<Task>> }[] = [];
  const source = tasks[Symbol.iterator]();
  for (;;) {
    while (under.length < ahead) {
      const next = source.next();
      if (next.done === true) break;
      const result = runner.run(next.value);
      // A failure is met when its turn comes; until then it must not count as unhandled.
      result.catch(() => undefined);
      under.push({ task: next.value, result });
    }
    const first = under.shift();
    if (first === undefined) return;
    yield { task: first.task, result: await first.result };
  }
}
