import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { childEnvironment } from "./child-environment.ts";
import { freePort } from "./free-port.ts";

const launcher = join(import.meta.dirname, "../../../evident");

/** How a process ended: `code` is null when a signal ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server process of this repository on a data directory, listening on loopback. */
export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  /** The administrator's API key that its first start made. */
  readonly adminKey: string;
  readonly exited: Promise<Exit>;
  /** Everything it wrote to stdout and stderr so far. */
  output(): string;
  /** Sends a signal and does not wait. */
  signal(name: NodeJS.Signals): void;
  /** Asks it to stop (SIGTERM) and waits for its end. */
  stop(): Promise<Exit>;
  /** Ends it at once (SIGKILL) and waits for its end. */
  kill(): Promise<Exit>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where and how to start. `args` follow `./evident serve`. */
export interface ServerProcessOptions {
  readonly dataDir: string;
  readonly port?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take to answer `/readyz`, in milliseconds. Default 60,000. */
  readonly readyWithinMs?: number;
}

/** Starts `./evident serve` without waiting until it answers: for starts that are expected to fail. */
export function spawnServer(
  options: ServerProcessOptions & { readonly port: number },
): Omit<RunningServer, "adminKey"> {
  const args = ["serve", "--data", options.dataDir, "--listen", `127.0.0.1:${options.port}`, ...(options.args ?? [])];
  const child = spawn(launcher, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: childEnvironment(options.env),
  });
  let output = "";
  const collect = (part: Buffer): void => {
    output += part.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const exited = exitOf(child);
  const end = (name: NodeJS.Signals): Promise<Exit> => {
    child.kill(name);
    return exited;
  };
  const endWithParent = (): void => void child.kill("SIGKILL");
  process.once("exit", endWithParent);
  void exited.finally(() => process.off("exit", endWithParent));
  return {
    url: `http://127.0.0.1:${options.port}`,
    pid: child.pid ?? 0,
    exited,
    output: () => output,
    signal: (name) => void child.kill(name),
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    [Symbol.asyncDispose]: async () => void (await end("SIGKILL")),
  };
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

/**
 * Starts a server and resolves when it is ready.
 *
 * @throws Error with the server's output when it ends or is not ready in time
 */
export async function startServer(options: ServerProcessOptions): Promise<RunningServer> {
  const server = spawnServer({ ...options, port: options.port ?? (await freePort()) });
  let exit: Exit | undefined;
  const noteExit = async (): Promise<void> => {
    exit = await server.exited;
  };
  void noteExit();
  const deadlineMs = performance.now() + (options.readyWithinMs ?? 60_000);
  while (!(await isReady(server.url))) {
    if (exit !== undefined) throw new Error(`the server ended with ${JSON.stringify(exit)}:\n${server.output()}`);
    if (performance.now() > deadlineMs) {
      await server.kill();
      throw new Error(`the server was not ready in time:\n${server.output()}`);
    }
    await sleep(20);
  }
  const adminKey = readFileSync(join(`${options.dataDir}.keys`, "bootstrap-admin"), "utf8").trim();
  return { ...server, adminKey };
}
