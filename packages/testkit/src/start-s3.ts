import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { freePort } from "./free-port.ts";

const VERSION = "v1.8.0";
const cache = join(import.meta.dirname, "../../../node_modules/.cache", `versitygw-${VERSION}`);
const gateway = join(cache, "versitygw");
const BUILD_MS = 20 * 60_000;
const REGION = "us-east-1";

/** A real S3 server (versitygw) over a directory, on loopback. */
export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  makeBucket(bucket: string): Promise<void>;
  put(bucket: string, key: string, body: string | Uint8Array): Promise<void>;
  /** Stops it; what is stored stays in the directory. */
  stop(): Promise<void>;
}

/** The command `go`; undefined on machines without. */
function findGo(): string | undefined {
  const names = [process.env["GO"] ?? "go", "/usr/local/go/bin/go"];
  return names.find((name) => spawnSync(name, ["version"]).status === 0);
}

/** Whether the server was built; says on stderr how where it was not. */
export function hasS3Server(): boolean {
  const isBuilt = existsSync(gateway);
  if (!isBuilt)
    process.stderr.write("tests of S3 are skipped: `npm run build-s3` builds the server they need, with Go.\n");
  return isBuilt;
}

/**
 * Builds the server from its Go module into node_modules/.cache. Takes minutes the first time.
 *
 * @returns false, and a line on stderr, where it cannot be built
 */
export async function buildS3Server(): Promise<boolean> {
  if (existsSync(gateway)) return true;
  const go = findGo();
  if (go === undefined) {
    process.stderr.write("versitygw is not built: that needs Go (https://go.dev/dl).\n");
    return false;
  }
  mkdirSync(cache, { recursive: true });
  const env = { ...process.env, GOBIN: cache, GOFLAGS: "-buildvcs=false", GOWORK: "off" };
  const module = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
  const child = spawn(go, ["install", module], {
    cwd: cache,
    env,
    timeout: BUILD_MS,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (part: Buffer) => void (said += part.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code === 0) return true;
  process.stderr.write(`versitygw could not be built: ${said.slice(-500)}\n`);
  return false;
}

/** Starts the server that `buildS3Server` built. It keeps everything in `directory`. */
export async function startS3(directory: string, port?: number): Promise<S3Server> {
  const taken = port ?? (await freePort());
  const credentials = { accessKeyId: "evident-test", secretAccessKey: "only-for-tests-0123456789" };
  // Not every file system of a test has extended attributes.
  const buckets = join(directory, "buckets");
  const sidecar = join(directory, "metadata");
  for (const each of [buckets, sidecar]) mkdirSync(each, { recursive: true });
  const args = ["--port", `127.0.0.1:${taken}`, "--region", REGION, "--quiet", "posix", "--sidecar", sidecar, buckets];
  const env = {
    PATH: process.env["PATH"],
    ROOT_ACCESS_KEY: credentials.accessKeyId,
    ROOT_SECRET_KEY: credentials.secretAccessKey,
  };
  const child = spawn(gateway, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part: Buffer) => void (said += part.toString()));
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const endpoint = `http://127.0.0.1:${taken}`;
  const isUp = async (): Promise<boolean> => {
    try {
      await (await fetch(endpoint, { signal: AbortSignal.timeout(1_000) })).arrayBuffer();
      return true;
    } catch {
      return false;
    }
  };
  for (let i = 0; !(await isUp()); i += 1) {
    if (i > 200 || child.exitCode !== null) throw new Error(`versitygw did not start: ${said}`);
    await sleep(50);
  }
  const client = new S3Client({ endpoint, region: REGION, forcePathStyle: true, credentials });
  return {
    endpoint,
    region: REGION,
    ...credentials,
    makeBucket: async (Bucket) => void (await client.send(new CreateBucketCommand({ Bucket }))),
    put: async (Bucket, Key, Body) => void (await client.send(new PutObjectCommand({ Bucket, Key, Body }))),
    async stop() {
      client.destroy();
      child.kill("SIGTERM");
      await exited;
    },
  };
}
