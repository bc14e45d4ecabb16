import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@evident/testkit";

const launcher = join(import.meta.dirname, "../evident");
const READY_WITHIN_MS = 120_000;

/** A server under measurement: `./evident serve` or a stand-in for it. */
export interface MeasuredServer {
  readonly url: string;
  readonly key: string;
  readonly pid: number;
  stop(): Promise<void>;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    // It does not listen yet.
    return false;
  }
}

/**
 * Starts `./evident serve` on a new data directory with its defaults, but for the settings in `environment`.
 *
 * @throws Error with what the server wrote when it ends or is not ready in two minutes
 */
export async function startEvident(
  dataDir: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<MeasuredServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(launcher, ["serve", "--data", dataDir, "--listen", `127.0.0.1:${port}`], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...environment },
  });
  let output = "";
  child.stderr.on("data", (part: Buffer) => {
    output = `${output}${part.toString()}`.slice(-10_000);
  });
  let hasEnded = false;
  const exited = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      hasEnded = true;
      resolve();
    });
  });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
    process.off("exit", kill);
  };
  const deadlineMs = performance.now() + READY_WITHIN_MS;
  while (!(await isReady(url))) {
    if (hasEnded || performance.now() > deadlineMs) {
      await stop();
      throw new Error(`./evident serve ${hasEnded ? "ended" : "was not ready"}:\n${output}`);
    }
    await sleep(50);
  }
  const key = readFileSync(join(`${dataDir}.keys`, "bootstrap-admin"), "utf8").trim();
  return { url, key, pid: child.pid ?? 0, stop };
}
