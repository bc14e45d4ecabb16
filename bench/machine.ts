import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { basename, join, resolve } from "node:path";
import { EvidentError } from "@evident/core";
import { type Distribution, distributionOf } from "./measure.ts";

/** Magic numbers of statfs(2). */
const fileSystems: Readonly<Record<number, string>> = {
  0x01021994: "tmpfs",
  0x858458f6: "ramfs",
  0xef53: "ext4",
  0x58465342: "xfs",
  0x9123683e: "btrfs",
  0x2fc12fc1: "zfs",
  0x794c7630: "overlayfs",
  0x6969: "nfs",
};

/** Where the numbers were taken. */
export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly commit: string;
  readonly fileSystem: string;
  readonly disk: string;
  readonly fsync: string;
  /** One write of 4 KiB and its fdatasync, in milliseconds: what the disk takes for the smallest commit. */
  readonly syncMs: Distribution;
}

/**
 * Refuses a file system in memory: fdatasync does nothing there, so every number would be about another system.
 *
 * @throws EvidentError `bad_request`
 */
export function refuseMemory(directory: string): void {
  const kind = fileSystems[statfsSync(directory).type];
  if (kind !== "tmpfs" && kind !== "ramfs") return;
  throw new EvidentError("bad_request", `${directory} is on ${kind}: there fdatasync does nothing`, {
    fix: "Name a directory on a disk: --dir DIR.",
  });
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Not Linux, or no such device: the fact stays unknown.
    return undefined;
  }
}

/** The mount that holds a directory: its device and options. */
function mountOf(directory: string): { readonly device: string; readonly options: string } | undefined {
  const path = resolve(directory);
  let best: { device: string; options: string; point: string } | undefined;
  for (const line of (readLine("/proc/self/mountinfo") ?? "").split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const point = left.split(" ")[4] ?? "";
    const [, device = "", options = ""] = right.split(" ");
    const holds = path === point || path.startsWith(point.endsWith("/") ? point : `${point}/`);
    if (holds && point.length >= (best?.point.length ?? 0)) best = { device, options, point };
  }
  return best;
}

function describeDisk(device: string): string {
  const name = basename(device).replace(/(?:p?\d+)$/, "");
  const facts = [
    device,
    readLine(`/sys/block/${name}/device/model`),
    readLine(`/sys/block/${name}/queue/rotational`) === "1" ? "reports itself rotational" : undefined,
    readLine(`/sys/block/${name}/queue/write_cache`)?.concat(" cache"),
  ];
  return facts.filter((fact) => fact !== undefined && fact !== "").join(", ");
}

function measureSync(directory: string): Distribution {
  const path = join(directory, "sync-probe");
  const block = Buffer.alloc(4_096, 0x5a);
  const handle = openSync(path, "w");
  const samples: number[] = [];
  try {
    for (let i = 0; i < 200; i += 1) {
      const startedMs = performance.now();
      writeSync(handle, block);
      fdatasyncSync(handle);
      samples.push(performance.now() - startedMs);
    }
  } finally {
    closeSync(handle);
    rmSync(path);
  }
  return distributionOf(samples.slice(20));
}

function commit(): string {
  try {
    const run = (...args: string[]): string =>
      execFileSync("git", args, { cwd: import.meta.dirname })
        .toString()
        .trim();
    return run("rev-parse", "--short=12", "HEAD") + (run("status", "--porcelain", "-uno") === "" ? "" : " and changes");
  } catch {
    // Not a clone, or no git.
    return "unknown";
  }
}

/** The facts of this machine and of the disk below `directory`. */
export function machineFacts(directory: string): MachineFacts {
  const mount = mountOf(directory);
  const kind = statfsSync(directory).type;
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    commit: commit(),
    fileSystem: `${fileSystems[kind] ?? `type 0x${kind.toString(16)}`}${mount === undefined ? "" : ` (${mount.options})`}`,
    disk: mount === undefined ? "unknown" : describeDisk(mount.device),
    fsync: "fdatasync of every log record before its answer",
    syncMs: measureSync(directory),
  };
}
