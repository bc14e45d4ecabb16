import { join } from "node:path";
import type { FileSystem } from "./file-system.ts";
import { directoryOf } from "./object-name.ts";
import { systemCode, toUnsynced } from "./storage-errors.ts";

/** What `rmdir` answers for a directory that is in use, already gone or a mount point. */
const staysThere: ReadonlySet<string> = new Set(["ENOTEMPTY", "EEXIST", "ENOENT", "EBUSY"]);

/**
 * The directories below a root: made and durable before a name is put into them, removed when empty, never both at once.
 * Paths are relative, "" is the root.
 */
export class Directories {
  readonly #fileSystem: FileSystem;
  readonly #root: string;
  readonly #known = new Set<string>();
  readonly #making = new Map<string, Promise<void>>();
  readonly #removing = new Map<string, Promise<boolean>>();
  readonly #holds = new Map<string, number>();

  constructor(fileSystem: FileSystem, root: string) {
    this.#fileSystem = fileSystem;
    this.#root = root;
  }

  /** Runs `use` while `directory` exists, is durable, and cannot be removed. */
  async holding<Value>(directory: string, use: () => Promise<Value>): Promise<Value> {
    const chain = ancestry(directory);
    for (const each of chain) this.#holds.set(each, (this.#holds.get(each) ?? 0) + 1);
    try {
      for (const each of chain) await this.#removing.get(each);
      await this.#make(directory);
      return await use();
    } finally {
      for (const each of chain) {
        const left = (this.#holds.get(each) ?? 1) - 1;
        if (left === 0) this.#holds.delete(each);
        else this.#holds.set(each, left);
      }
    }
  }

  /** @throws EvidentError `storage_failed` whatever the reason: after a failed sync nobody knows which names are durable */
  async sync(directory: string): Promise<void> {
    await this.#sync(join(this.#root, directory));
  }

  /** Removes the directory, then its parents, as far as they are empty. */
  async prune(directory: string): Promise<void> {
    for (let each = directory; each !== ""; each = directoryOf(each)) {
      if (this.#holds.has(each) || this.#removing.has(each)) return;
      const removal = this.#remove(each);
      this.#removing.set(each, removal);
      try {
        if (!(await removal)) return;
      } finally {
        this.#removing.delete(each);
      }
    }
  }

  #make(directory: string): Promise<void> {
    if (this.#known.has(directory)) return Promise.resolve();
    let making = this.#making.get(directory);
    if (making === undefined) {
      making = this.#makeNow(directory).finally(() => this.#making.delete(directory));
      this.#making.set(directory, making);
    }
    return making;
  }

  async #makeNow(directory: string): Promise<void> {
    if (directory === "") await this.#makeRoot();
    else {
      const parent = directoryOf(directory);
      await this.#make(parent);
      await this.#mkdir(join(this.#root, directory));
      // Also when it was there: an earlier run may have ended between making it and making it durable.
      await this.sync(parent);
    }
    this.#known.add(directory);
  }

  async #makeRoot(): Promise<void> {
    const missing: string[] = [];
    for (let path = this.#root; ; path = join(path, "..")) {
      const found = await this.#fileSystem.stat(path).catch((cause: unknown) => {
        if (systemCode(cause) === "ENOENT") return undefined;
        throw cause;
      });
      if (found !== undefined) break;
      missing.unshift(path);
    }
    for (const path of missing) {
      await this.#mkdir(path);
      await this.#sync(join(path, ".."));
    }
  }

  async #sync(path: string): Promise<void> {
    try {
      await this.#fileSystem.syncDirectory(path);
    } catch (cause) {
      throw toUnsynced(cause, path);
    }
  }

  async #mkdir(path: string): Promise<void> {
    try {
      await this.#fileSystem.mkdir(path);
    } catch (cause) {
      if (systemCode(cause) !== "EEXIST") throw cause;
    }
  }

  async #remove(directory: string): Promise<boolean> {
    this.#known.delete(directory);
    try {
      await this.#fileSystem.rmdir(join(this.#root, directory));
      return true;
    } catch (cause) {
      if (staysThere.has(systemCode(cause) ?? "")) return false;
      throw cause;
    }
  }
}

/** The directory and those above it, outermost first. */
function ancestry(directory: string): readonly string[] {
  const chain: string[] = [];
  for (let each = directory; each !== ""; each = directoryOf(each)) chain.unshift(each);
  return chain;
}
