import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packSdk } from "../../scripts/pack-sdk.ts";

const root = join(import.meta.dirname, "../..");

/** Packages of the repository that applications of the tests use. */
const linked = ["express", "fastify", "hono", "@hono", "@types", "undici-types"];

/** A folder with the packed SDK and the frameworks installed, as an application outside the repository has them. */
export function installApps(folder: string): void {
  const modules = join(folder, "node_modules");
  const sdk = join(modules, "@evident/sdk");
  mkdirSync(sdk, { recursive: true });
  const tarball = join(folder, "sdk.tgz");
  packSdk(tarball);
  execFileSync("tar", ["xzf", tarball, "-C", sdk, "--strip-components=1"]);
  for (const name of linked) symlinkSync(join(root, "node_modules", name), join(modules, name));
  const apps = join(import.meta.dirname, "apps");
  for (const name of readdirSync(apps)) copyFileSync(join(apps, name), join(folder, name));
}

/** The oldest Node on this machine that the SDK supports: applications run on their own, not on ours. */
export function oldestNode(): { readonly path: string; readonly version: string } {
  const found = [{ path: process.execPath, version: process.version }];
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    try {
      const path = join(folder, "node");
      found.push({ path, version: execFileSync(path, ["--version"], { encoding: "utf8" }).trim() });
    } catch {
      // No Node in this folder.
    }
  }
  const numbers = (version: string): readonly number[] => version.slice(1).split(".").map(Number);
  const rank = (version: string): number => (numbers(version)[0] ?? 0) * 1_000 + (numbers(version)[1] ?? 0);
  const [oldest] = found
    .filter(({ version }) => rank(version) >= 20_003)
    .sort((a, b) => rank(a.version) - rank(b.version));
  if (oldest === undefined) throw new Error("no Node was found");
  return oldest;
}

/** A running application of `apps/`. */
export interface SdkApp {
  readonly url: string;
  /** The lines it has said so far. */
  said(): readonly string[];
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Where an application runs, and where its events go. */
export interface SdkAppOptions {
  readonly folder: string;
  readonly name: string;
  readonly port: number;
  readonly evidentUrl: string;
  readonly key: string;
  readonly node: string;
}

/** Starts an application and resolves when it listens. */
export async function startApp(options: SdkAppOptions): Promise<SdkApp> {
  const { folder, name, port, evidentUrl, key, node } = options;
  const child: ChildProcess = spawn(node, [join(folder, `${name}.mjs`)], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      APP_PORT: String(port),
      APP_EVIDENT_URL: evidentUrl,
      APP_EVIDENT_KEY: key,
      APP_SPOOL: join(folder, `spool-${name}`),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once("close", (code) => resolve(code));
  });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  void exited.then(() => process.off("exit", kill));
  while (!text.includes("ready\n")) {
    if (child.exitCode !== null) throw new Error(`the application ${name} ended with ${child.exitCode}`);
    await sleep(10);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    said: () => text.split("\n").slice(0, -1),
    end: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}
