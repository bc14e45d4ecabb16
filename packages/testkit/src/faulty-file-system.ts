import type { FileSystem, OpenFile } from "@evident/server";

/** A call that changes the disk or makes it durable. */
export type FaultyCall =
  | "create"
  | "pwrite"
  | "fdatasync"
  | "fsync"
  | "truncate"
  | "chmod"
  | "rename"
  | "unlink"
  | "mkdir"
  | "rmdir"
  | "syncDirectory";

/**
 * What goes wrong. `lost`: the call does nothing and reports the error. `applied`: it does its work and reports the error all the same.
 * `crash_before` and `crash_after`: the process is gone at that point; this call and all later ones never return and do nothing.
 */
export interface Fault {
  /** Absent: calls of every kind are counted. */
  readonly call?: FaultyCall;
  /** Which of the calls counted from the moment the fault was set, from 1. */
  readonly nth: number;
  readonly how: "lost" | "applied" | "crash_before" | "crash_after";
  /** Default EIO. */
  readonly error?: "EIO" | "ENOSPC" | "EDQUOT";
  /** Only paths that match are counted. */
  readonly path?: RegExp;
  /** How many calls in a row fail; default 1. */
  readonly times?: number;
}

interface Armed extends Fault {
  seen: number;
}

const never = new Promise<never>(() => undefined);

function systemError(code: string, call: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected, ${call} '${path}'`), { code, syscall: call, path });
}

/** A file system whose calls fail as a test says; without faults it passes everything on and counts. */
export class FaultyFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  readonly #calls: { readonly call: FaultyCall; readonly path: string }[] = [];
  #faults: Armed[] = [];
  #isCrashed = false;
  readonly #crash = Promise.withResolvers<void>();

  constructor(inner: FileSystem) {
    this.#inner = inner;
  }

  /** Resolves when a fault has ended the process. */
  get crashed(): Promise<void> {
    return this.#crash.promise;
  }

  /** Arms a fault; several may be armed at once. */
  fail(fault: Fault): void {
    this.#faults.push({ ...fault, seen: 0 });
  }

  /** Disarms every fault: the disk is well again. */
  heal(): void {
    this.#faults = [];
  }

  /** Number of calls so far, of one kind and on matching paths where given. */
  count(call?: FaultyCall, path?: RegExp): number {
    return this.#calls.filter((each) => (call ?? each.call) === each.call && path?.test(each.path) !== false).length;
  }

  async open(path: string, access: "create" | "update" | "read"): Promise<OpenFile> {
    if (access !== "create") return new FaultyFile(this, path, await this.#alive(this.#inner.open(path, access)));
    return this.during("create", path, async () => new FaultyFile(this, path, await this.#inner.open(path, access)));
  }

  rename(from: string, to: string): Promise<void> {
    return this.during("rename", to, () => this.#inner.rename(from, to));
  }

  unlink(path: string): Promise<void> {
    return this.during("unlink", path, () => this.#inner.unlink(path));
  }

  mkdir(path: string): Promise<void> {
    return this.during("mkdir", path, () => this.#inner.mkdir(path));
  }

  rmdir(path: string): Promise<void> {
    return this.during("rmdir", path, () => this.#inner.rmdir(path));
  }

  readdir(path: string): ReturnType<FileSystem["readdir"]> {
    return this.#alive(this.#inner.readdir(path));
  }

  stat(path: string): ReturnType<FileSystem["stat"]> {
    return this.#alive(this.#inner.stat(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.during("syncDirectory", path, () => this.#inner.syncDirectory(path));
  }

  /** Runs one call under the armed faults. */
  async during<Value>(call: FaultyCall, path: string, work: () => Promise<Value>): Promise<Value> {
    if (this.#isCrashed) return never;
    this.#calls.push({ call, path });
    const fault = this.#due(call, path);
    if (fault === undefined) return this.#alive(work());
    switch (fault.how) {
      case "lost":
        throw systemError(fault.error ?? "EIO", call, path);
      case "applied":
        await work();
        throw systemError(fault.error ?? "EIO", call, path);
      case "crash_before":
        this.#isCrashed = true;
        this.#crash.resolve();
        return never;
      case "crash_after":
        this.#isCrashed = true;
        // Whether it succeeds, as an rmdir of a directory in use does not, is nothing that the process lives to see.
        await work().catch(() => undefined);
        this.#crash.resolve();
        return never;
    }
  }

  /** Passes a result on unless the process has ended meanwhile. */
  async #alive<Value>(work: Promise<Value>): Promise<Value> {
    try {
      const value = await work;
      return this.#isCrashed ? await never : value;
    } catch (cause) {
      // Nobody is left who could be told of a failure.
      if (this.#isCrashed) return never;
      throw cause;
    }
  }

  #due(call: FaultyCall, path: string): Fault | undefined {
    let due: Fault | undefined;
    for (const fault of this.#faults) {
      if ((fault.call !== undefined && fault.call !== call) || fault.path?.test(path) === false) continue;
      fault.seen += 1;
      if (fault.seen >= fault.nth && fault.seen < fault.nth + (fault.times ?? 1)) due ??= fault;
    }
    return due;
  }
}

class FaultyFile implements OpenFile {
  readonly #disk: FaultyFileSystem;
  readonly #path: string;
  readonly #inner: OpenFile;

  constructor(disk: FaultyFileSystem, path: string, inner: OpenFile) {
    this.#disk = disk;
    this.#path = path;
    this.#inner = inner;
  }

  pwrite(bytes: Uint8Array, offset: number): Promise<number> {
    return this.#disk.during("pwrite", this.#path, () => this.#inner.pwrite(bytes, offset));
  }

  pread(into: Uint8Array, offset: number): Promise<number> {
    return this.#inner.pread(into, offset);
  }

  fdatasync(): Promise<void> {
    return this.#disk.during("fdatasync", this.#path, () => this.#inner.fdatasync());
  }

  fsync(): Promise<void> {
    return this.#disk.during("fsync", this.#path, () => this.#inner.fsync());
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#disk.during("truncate", this.#path, () => this.#inner.truncate(sizeBytes));
  }

  chmod(mode: number): Promise<void> {
    return this.#disk.during("chmod", this.#path, () => this.#inner.chmod(mode));
  }

  sizeBytes(): Promise<number> {
    return this.#inner.sizeBytes();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
