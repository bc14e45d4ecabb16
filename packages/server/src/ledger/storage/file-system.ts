import {
  close,
  constants,
  fchmod,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  lstat,
  mkdir,
  open,
  read,
  readdir,
  rename,
  rmdir,
  unlink,
  write,
} from "node:fs";

/** One open file. Offsets and sizes are bytes. Every call rejects with Node's system error. */
export interface OpenFile {
  /** Writes at `offset` and returns how many bytes the system took, which may be fewer than given. */
  pwrite(bytes: Uint8Array, offset: number): Promise<number>;
  /** Reads into `into` from `offset` and returns how many bytes there were; 0 at the end. */
  pread(into: Uint8Array, offset: number): Promise<number>;
  /** Makes the content durable, and the length as far as reading it back needs. */
  fdatasync(): Promise<void>;
  /** Makes content, length and mode durable. */
  fsync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  chmod(mode: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/** What a directory holds, or what a path is. */
export type PathKind = "file" | "directory" | "other";

/**
 * Every call by which the ledger touches its disk, one system call each, so that tests can fail or record each of them.
 * Paths are absolute. Names are durable only after `syncDirectory` of the directory they are in.
 */
export interface FileSystem {
  /** `create` makes a new file (EEXIST when there is one) with mode 0600; `update` and `read` open an existing one. */
  open(path: string, access: "create" | "update" | "read"): Promise<OpenFile>;
  /** Replaces `to` when it exists. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes one directory with mode 0700; EEXIST when there is one. */
  mkdir(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  readdir(path: string): Promise<readonly { readonly name: string; readonly kind: PathKind }[]>;
  stat(path: string): Promise<{ readonly kind: PathKind; readonly sizeBytes: number }>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

type Done<Value> = (error: NodeJS.ErrnoException | null, value: Value) => void;

/** Callback functions of node:fs as promises: half the cost of `FileHandle` on the commit path. */
function call<Value>(start: (done: Done<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error === null ? resolve(value) : reject(error)));
  });
}

function run(start: (done: (error: NodeJS.ErrnoException | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}

class NodeFile implements OpenFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  pwrite(bytes: Uint8Array, offset: number): Promise<number> {
    return call((done) => write(this.#descriptor, bytes, 0, bytes.length, offset, done));
  }

  pread(into: Uint8Array, offset: number): Promise<number> {
    return call((done) => read(this.#descriptor, into, 0, into.length, offset, done));
  }

  fdatasync(): Promise<void> {
    return run((done) => fdatasync(this.#descriptor, done));
  }

  fsync(): Promise<void> {
    return run((done) => fsync(this.#descriptor, done));
  }

  truncate(sizeBytes: number): Promise<void> {
    return run((done) => ftruncate(this.#descriptor, sizeBytes, done));
  }

  chmod(mode: number): Promise<void> {
    return run((done) => fchmod(this.#descriptor, mode, done));
  }

  async sizeBytes(): Promise<number> {
    return (await call<{ readonly size: number }>((done) => fstat(this.#descriptor, done))).size;
  }

  close(): Promise<void> {
    return run((done) => close(this.#descriptor, done));
  }
}

const flags = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
  update: constants.O_RDWR | constants.O_NOFOLLOW,
  read: constants.O_RDONLY | constants.O_NOFOLLOW,
} as const;

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): PathKind {
  if (entry.isFile()) return "file";
  return entry.isDirectory() ? "directory" : "other";
}

/** The real file system. */
export const nodeFileSystem: FileSystem = {
  async open(path, access) {
    return new NodeFile(await call<number>((done) => open(path, flags[access], 0o600, done)));
  },
  rename: (from, to) => run((done) => rename(from, to, done)),
  unlink: (path) => run((done) => unlink(path, done)),
  mkdir: (path) => run((done) => mkdir(path, 0o700, done)),
  rmdir: (path) => run((done) => rmdir(path, done)),
  async readdir(path) {
    const entries = await call<import("node:fs").Dirent[]>((done) => readdir(path, { withFileTypes: true }, done));
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  async stat(path) {
    const found = await call<import("node:fs").Stats>((done) => lstat(path, done));
    return { kind: kindOf(found), sizeBytes: found.size };
  },
  async syncDirectory(path) {
    const descriptor = await call<number>((done) => open(path, constants.O_RDONLY | constants.O_DIRECTORY, done));
    try {
      await run((done) => fsync(descriptor, done));
    } finally {
      await run((done) => close(descriptor, done));
    }
  },
};
