import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

const launcher = join(import.meta.dirname, "../../evident");

/** A running `evident follow`. */
export interface FollowProcess {
  readonly exited: Promise<number | undefined>;
  output(): string;
  kill(signal: NodeJS.Signals): Promise<number | undefined>;
}

/** Starts `./evident follow` with arguments. */
export function startFollow(
  args: readonly string[],
  options: { readonly cwd: string; readonly url: string; readonly key: string },
): FollowProcess {
  const child: ChildProcess = spawn(launcher, ["follow", ...args], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: "1", EVIDENT_URL: options.url, EVIDENT_KEY: options.key },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (part: Buffer): void => {
    output += part.toString();
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const exited = new Promise<number | undefined>((resolve) => {
    child.once("close", (code) => resolve(code ?? undefined));
  });
  const endWithParent = (): void => void child.kill("SIGKILL");
  process.once("exit", endWithParent);
  void exited.finally(() => process.off("exit", endWithParent));
  return {
    exited,
    output: () => output,
    kill: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}
