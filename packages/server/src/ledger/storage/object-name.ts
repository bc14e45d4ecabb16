import { posix } from "node:path";
import { EvidentError } from "@evident/core";

const MAX_NAME_CHARS = 512;
const MAX_PART_CHARS = 200;
const PART = /^[A-Za-z0-9._-]+$/;
/** What lies beside the objects in the data directory: the log, unfinished files and the lock. */
const reserved: ReadonlySet<string> = new Set(["wal", "tmp", "lock.sqlite", "lock.sqlite-journal"]);

function isPart(part: string): boolean {
  return part.length <= MAX_PART_CHARS && part !== "." && part !== ".." && PART.test(part);
}

/**
 * Refuses a name that could leave the data directory or reach what is no object.
 * @throws EvidentError `internal`: names are made by the ledger from checked parts, so a bad one is our bug
 */
export function checkObjectName(name: string): void {
  const parts = name.split("/", MAX_NAME_CHARS);
  if (name.length <= MAX_NAME_CHARS && parts.every(isPart) && !reserved.has(parts[0] ?? "")) return;
  throw new EvidentError("internal", `"${name.slice(0, 80)}" is no object name`);
}

/** A prefix is a whole name or the beginning of one; the empty prefix means everything. */
export function checkObjectPrefix(prefix: string): void {
  if (prefix === "") return;
  checkObjectName(prefix.endsWith("/") ? prefix.slice(0, -1) : prefix);
}

/** False for top names that hold no objects. */
export function isObjectRoot(part: string): boolean {
  return isPart(part) && !reserved.has(part);
}

/** The directory of a name, "" for the data directory itself. */
export function directoryOf(name: string): string {
  const directory = posix.dirname(name);
  return directory === "." ? "" : directory;
}
