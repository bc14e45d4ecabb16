import { globSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { type Packing, parseLogName } from "./log-name.ts";

/** A file that belongs to a followed log. */
export interface FoundFile {
  readonly path: string;
  /** Device and inode: what it stays when it is renamed. */
  readonly file: string;
  readonly log: string;
  readonly isLive: boolean;
  /** Named by a pattern itself; else it lies beside the file of one, as what rotation made of it. */
  readonly isNamed: boolean;
  readonly packing: Packing;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/** Told of what cannot be looked at. */
export type OnProblem = (path: string, cause: unknown) => void;

/** Scans after which a vanished file's directory is no longer looked at. */
const FORGET_SCANS = 1_200;

interface LiveFile {
  readonly log: string;
  /** Its directory and name behind symbolic links: rotation happens there. */
  directory: string;
  base: string;
  seenScan: number;
}

/** Finds the files that patterns name, and what rotation has made of them. */
export class FileFinder {
  readonly #patterns: readonly string[];
  readonly #onProblem: OnProblem;
  readonly #lives = new Map<string, LiveFile>();
  #scan = 0;

  /** @param knownLogs followed before: one may have been rotated away and not be there now */
  constructor(patterns: readonly string[], knownLogs: readonly string[], onProblem: OnProblem) {
    this.#patterns = patterns;
    this.#onProblem = onProblem;
    for (const path of [...patterns.filter((pattern) => !hasMagic(pattern)), ...knownLogs]) {
      const { log, isLive } = parseLogName(path);
      if (isLive) this.#lives.set(log, { log, directory: dirname(path), base: basename(path), seenScan: 0 });
    }
  }

  /** All files of all logs: of each log the oldest first, the one that is written to last. */
  find(): readonly FoundFile[] {
    this.#scan += 1;
    const found = new Map<string, FoundFile>();
    for (const path of this.#named()) {
      const name = parseLogName(path);
      const file = this.#look(path, { ...name, isNamed: true });
      if (file === undefined) continue;
      found.set(path, file);
      if (name.isLive) this.#noteLive(path, name.log);
    }
    const listings = new Map<string, Listing>();
    const listed = (directory: string): Listing => {
      const known = listings.get(directory);
      if (known !== undefined) return known;
      const listing = this.#list(directory);
      listings.set(directory, listing);
      return listing;
    };
    for (const [path, live] of this.#lives) {
      for (const sibling of listed(live.directory).byLog.get(live.base) ?? []) {
        const siblingPath = join(live.directory, sibling);
        if (sibling === live.base || found.has(siblingPath)) continue;
        const { packing } = parseLogName(siblingPath);
        const file = this.#look(siblingPath, { log: live.log, isLive: false, packing, isNamed: false });
        if (file !== undefined) found.set(siblingPath, file);
        if (file !== undefined) live.seenScan = this.#scan;
      }
      if (hasMagicIn(this.#patterns, path) && this.#scan - live.seenScan > FORGET_SCANS) this.#lives.delete(path);
    }
    // While something is being packed both are there, and only the unpacked one is whole.
    const whole = [...found.values()].filter(({ path, packing }) => {
      return packing === "none" || !listed(dirname(path)).names.has(basename(path).replace(/\.\w+$/, ""));
    });
    return whole.sort(byAge);
  }

  #noteLive(path: string, log: string): void {
    let real = path;
    try {
      real = realpathSync(path);
    } catch {
      // Gone since; the next scan will see.
    }
    const place = { directory: dirname(real), base: basename(real), seenScan: this.#scan };
    const known = this.#lives.get(path);
    if (known === undefined) this.#lives.set(path, { log, ...place });
    else Object.assign(known, place);
  }

  *#named(): Generator<string> {
    for (const pattern of this.#patterns) {
      if (hasMagic(pattern)) yield* globSync(pattern);
      else yield pattern;
    }
  }

  #list(directory: string): Listing {
    const byLog = new Map<string, string[]>();
    let names: readonly string[] = [];
    try {
      names = readdirSync(directory);
    } catch (cause) {
      if (!isAbsent(cause)) this.#onProblem(directory, cause);
    }
    for (const name of names) {
      const base = parseLogName(name).log;
      const known = byLog.get(base);
      if (known === undefined) byLog.set(base, [name]);
      else known.push(name);
    }
    return { names: new Set(names), byLog };
  }

  #look(path: string, name: Pick<FoundFile, "log" | "isLive" | "packing" | "isNamed">): FoundFile | undefined {
    try {
      // Who may write into the directory could plant a link beside the log, and a follower with more rights would send its target.
      const look = name.isNamed ? statSync : lstatSync;
      const stat = look(path, { bigint: true, throwIfNoEntry: false });
      if (stat === undefined) return undefined;
      if (!stat.isFile()) {
        if (name.isNamed && !stat.isDirectory()) this.#onProblem(path, new Error("it is no regular file"));
        if (stat.isDirectory() && this.#patterns.includes(path)) {
          this.#onProblem(path, new Error("it is a directory: name the files in it, such as DIR/*.log"));
        }
        return undefined;
      }
      const { dev, ino, size, mtimeNs } = stat;
      return { path, file: `${dev}:${ino}`, ...name, sizeBytes: Number(size), mtimeMs: Number(mtimeNs) / 1e6 };
    } catch (cause) {
      if (!isAbsent(cause)) this.#onProblem(path, cause);
      return undefined;
    }
  }
}

interface Listing {
  readonly names: ReadonlySet<string>;
  /** Names by that of the file which is written to. */
  readonly byLog: ReadonlyMap<string, readonly string[]>;
}

/** The absolute form of a pattern. */
export function absolutePattern(pattern: string, workingDirectory: string): string {
  return isAbsolute(pattern) ? resolve(pattern) : resolve(workingDirectory, pattern);
}

function hasMagic(pattern: string): boolean {
  return /[*?[{]/.test(pattern);
}

function hasMagicIn(patterns: readonly string[], path: string): boolean {
  return !patterns.includes(path);
}

function byAge(left: FoundFile, right: FoundFile): number {
  if (left.log !== right.log) return left.log < right.log ? -1 : 1;
  if (left.isLive !== right.isLive) return left.isLive ? 1 : -1;
  return left.mtimeMs - right.mtimeMs || (left.path < right.path ? 1 : -1);
}

function isAbsent(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR");
}
