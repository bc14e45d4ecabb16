import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Who writes into a folder of the spool, so exactly that nobody else can be taken for it. */
export interface Owner {
  readonly v: 1;
  readonly instance: string;
  readonly pid: number;
  readonly host: string;
  /** Linux: when the process began, in ticks since boot; which boot; which namespace its pid counts in. */
  readonly started?: string;
  readonly boot?: string;
  readonly pidNamespace?: string;
}

function readText(read: () => string): string | undefined {
  try {
    return read().trim();
  } catch {
    return undefined;
  }
}

/** State and start of a process from `/proc`; undefined where there is none. */
function processStat(pid: number | "self"): { readonly state: string; readonly started: string } | undefined {
  const stat = readText(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  // The command stands in parentheses and may hold anything, so fields are counted from the last one: state is the 1st, start the 20th.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields === undefined ? undefined : { state: fields[0] ?? "", started: fields[19] ?? "" };
}

function linuxFacts(): { readonly boot: string; readonly pidNamespace: string } | undefined {
  const boot = readText(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1"));
  const pidNamespace = readText(() => readlinkSync("/proc/self/ns/pid"));
  return boot === undefined || pidNamespace === undefined ? undefined : { boot, pidNamespace };
}

/** This process as an owner. */
export function describeOwner(instance: string): Owner {
  const started = processStat("self")?.started;
  return {
    v: 1,
    instance,
    pid: process.pid,
    host: hostname(),
    ...(started === undefined ? {} : { started }),
    ...linuxFacts(),
  };
}

/** The owner in an owner file's text; undefined for anything else, as after a power loss. */
export function parseOwner(text: string): Owner | undefined {
  const value = readJson(text);
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, instance, host } = value as Partial<Owner>;
  return typeof pid === "number" && typeof instance === "string" && typeof host === "string"
    ? (value as Owner)
    : undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Whether an owner is gone. Where its pid can be looked up (same boot, same namespace) the answer is exact, also when the number was given
 * to another process since. Elsewhere (another container or host, no `/proc`) it counts as gone when it gave no sign of life for a while.
 *
 * @param silentMs since its last sign of life
 * @param adoptAfterMs how long it may be silent
 */
export function isGone(owner: Owner, silentMs: number, adoptAfterMs: number): boolean {
  const isSilent = silentMs > adoptAfterMs;
  const here = linuxFacts();
  if (here !== undefined && owner.boot !== undefined) {
    if (owner.boot !== here.boot) return owner.host === hostname() || isSilent;
    if (owner.pidNamespace !== here.pidNamespace) return isSilent;
    const stat = processStat(owner.pid);
    return stat === undefined || stat.started !== owner.started || stat.state === "Z" || stat.state === "X";
  }
  if (owner.host === hostname() && !isProcess(owner.pid)) return true;
  return isSilent;
}
