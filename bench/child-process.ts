import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

const runFile = join(import.meta.dirname, "run.ts");

/** A measurement in a process of its own, started by `run.ts`; memory and processor time are then its alone. */
export type ChildTask = (input: string, tell: (value: unknown) => void) => Promise<unknown>;

/** What `run.ts child NAME` sends back. */
type Message = { readonly kind: "told" | "done"; readonly value: unknown };

/** A process at its task. */
export interface Child<Result> {
  readonly pid: number;
  /** The first value that the task told, before its end. */
  readonly told: Promise<unknown>;
  readonly result: Promise<Result>;
  stop(): Promise<void>;
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("close", () => resolve());
  });
}

/** Starts a task of `run.ts` with an input that is sent as JSON. It ends with this process at the latest. */
export function startChild<Result>(name: string, input: unknown): Child<Result> {
  const child = fork(runFile, ["child", name, JSON.stringify(input)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const told = Promise.withResolvers<unknown>();
  const result = Promise.withResolvers<Result>();
  child.on("message", (message) => {
    const { kind, value } = message as Message;
    if (kind === "told") told.resolve(value);
    else result.resolve(value as Result);
  });
  const exited = exitOf(child);
  child.once("close", () => {
    const ended = new Error(`the process of ${name} ended before its result`);
    told.reject(ended);
    result.reject(ended);
  });
  told.promise.catch(() => undefined);
  result.promise.catch(() => undefined);
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("close", () => process.off("exit", kill));
  return {
    pid: child.pid ?? 0,
    told: told.promise,
    result: result.promise,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** The child's side: does the task and sends what it tells and returns. */
export async function serveChild(task: ChildTask, input: string): Promise<void> {
  const send = (message: Message): Promise<void> =>
    new Promise((resolve, reject) => {
      process.send?.(message, undefined, {}, (failure) => (failure === null ? resolve() : reject(failure)));
    });
  const value = await task(input, (each) => void send({ kind: "told", value: each }));
  await send({ kind: "done", value });
}
