import { spawn } from "node:child_process";
import { join } from "node:path";
import { childEnvironment } from "./child-environment.ts";

const launcher = join(import.meta.dirname, "../../../evident");
const TIMEOUT_MS = 60_000;

/** How a run of the command line ended and what it wrote. */
export interface EvidentRun {
  /** -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a run happens. `EVIDENT_URL` and `EVIDENT_KEY` are set from `url` and `key`, and unset without them. */
export interface EvidentRunOptions {
  readonly cwd: string;
  readonly url?: string;
  readonly key?: string;
  readonly input?: Uint8Array | string;
  readonly env?: Readonly<Record<string, string>>;
  /** Sees everything written so far; what it returns true for gets the signal SIGINT, as Ctrl-C would send. */
  readonly stopWhen?: (stdout: string, stderr: string) => boolean;
}

/** Runs `./evident` with arguments as a process of its own, and resolves when it has ended. */
export function runEvident(args: readonly string[], options: EvidentRunOptions): Promise<EvidentRun> {
  const child = spawn(launcher, args, {
    cwd: options.cwd,
    env: childEnvironment({
      ...(options.url === undefined ? {} : { EVIDENT_URL: options.url }),
      ...(options.key === undefined ? {} : { EVIDENT_KEY: options.key }),
      ...options.env,
    }),
    timeout: TIMEOUT_MS,
  });
  let stdout = "";
  let stderr = "";
  const look = (): void => {
    if (options.stopWhen?.(stdout, stderr) === true) child.kill("SIGINT");
  };
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    stdout += part;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    stderr += part;
    look();
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
