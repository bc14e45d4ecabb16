import { close, fdatasync, fsync, open } from "node:fs";
import { promisify } from "node:util";

const dataSync = promisify(fdatasync);
const fileSync = promisify(fsync);
const openFile = promisify(open);
const closeFile = promisify(close);

/** Windows has no sync of a folder, and needs none. */
const canSyncFolders = process.platform !== "win32";

/**
 * Makes files durable in groups: callers that come while a sync runs share the next one, as a log's group commit does. Runs in the thread
 * pool, never on the caller's thread.
 */
export class GroupSync {
  #files = new Set<number>();
  #folders = new Set<string>();
  #retired: number[] = [];
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  get isDirty(): boolean {
    return this.#files.size > 0 || this.#folders.size > 0;
  }

  /** A file was written. */
  wrote(fd: number): void {
    this.#files.add(fd);
  }

  /** A name in a folder was made: it has to be durable as well. */
  named(folder: string): void {
    if (canSyncFolders) this.#folders.add(folder);
  }

  /** A file will not be written any more: it is closed after the next sync. */
  retire(fd: number): void {
    this.#retired.push(fd);
  }

  /** Resolves when everything that was written before this call is durable. */
  sync(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#run();
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#running = this.#run();
        return this.#running;
      });
    return this.#next;
  }

  async #run(): Promise<void> {
    const files = this.#files;
    const folders = this.#folders;
    const retired = this.#retired;
    this.#files = new Set();
    this.#folders = new Set();
    this.#retired = [];
    try {
      await Promise.all([...files].map((fd) => dataSync(fd)));
      await Promise.all([...folders].map((folder) => syncFolder(folder)));
    } finally {
      if (this.#next === undefined) this.#running = undefined;
      await Promise.all(retired.map((fd) => closeFile(fd).catch(() => undefined)));
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  const fd = await openFile(folder, "r");
  try {
    await fileSync(fd);
  } finally {
    await closeFile(fd);
  }
}
