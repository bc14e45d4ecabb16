import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { EvidentError, equalBytes } from "@evident/core";
import type { Directories } from "./directories.ts";
import type { FileSystem, OpenFile } from "./file-system.ts";
import { checkObjectName, checkObjectPrefix, directoryOf, isObjectRoot } from "./object-name.ts";
import { systemCode, toStorageError } from "./storage-errors.ts";
import type { ObjectStore } from "./types.ts";
import { readFully, withFile, writeFully } from "./whole-file.ts";

/** Unfinished objects lie here, so that a crash leaves no stray file among the finished ones. */
const TEMPORARY = "tmp";
const READ_ONLY = 0o444;
/** One of libuv's four threads stays free for the log. */
const PARALLEL = 3;
const COMPARE_BYTES = 1 << 20;

interface Digest {
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
}

/** Objects as files of a data directory. Created ones are read-only (0444), replaced ones 0600. */
export class FileObjectStore implements ObjectStore {
  readonly #root: string;
  readonly #fileSystem: FileSystem;
  readonly #directories: Directories;
  /** Names being put into place: two creates of one name must see each other. */
  readonly #placing = new Map<string, Promise<void>>();

  constructor(root: string, fileSystem: FileSystem, directories: Directories) {
    this.#root = root;
    this.#fileSystem = fileSystem;
    this.#directories = directories;
  }

  async create(name: string, bytes: Uint8Array): Promise<void> {
    await this.createMany([{ name, bytes }]);
  }

  async createMany(objects: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Promise<void> {
    for (const { name } of objects) checkObjectName(name);
    const directories = new Set<string>();
    await inParallel(objects, async ({ name, bytes }) => {
      const placed = await this.#guard(name, () =>
        this.#place(
          name,
          (file) => writeFully(file, bytes, 0),
          async () => equalBytes((await this.read(name)) ?? new Uint8Array(0), bytes),
        ),
      );
      directories.add(directoryOf(name));
      return placed;
    });
    // Also for objects that were there already: the run that made them may have ended before this.
    await inParallel([...directories], (directory) => this.#guard(directory, () => this.#directories.sync(directory)));
  }

  async createStream(name: string, chunks: AsyncIterable<Uint8Array>): Promise<Digest> {
    checkObjectName(name);
    const hash = createHash("sha256");
    let sizeBytes = 0;
    let sha256 = new Uint8Array(0);
    await this.#guard(name, async () => {
      await this.#place(
        name,
        async (file) => {
          for await (const chunk of chunks) {
            hash.update(chunk);
            await writeFully(file, chunk, sizeBytes);
            sizeBytes += chunk.length;
          }
          sha256 = hash.digest();
        },
        async () => equalBytes((await this.digest(name))?.sha256 ?? new Uint8Array(0), sha256),
      );
      await this.#directories.sync(directoryOf(name));
    });
    return { sizeBytes, sha256 };
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    checkObjectName(name);
    const directory = directoryOf(name);
    await this.#guard(name, () =>
      this.#withTemporary(
        (file) => writeFully(file, bytes, 0),
        (temporary) =>
          this.#directories.holding(directory, async () => {
            await this.#fileSystem.rename(temporary, this.#path(name));
            await this.#directories.sync(directory);
          }),
      ),
    );
  }

  async digest(name: string): Promise<Digest | undefined> {
    return this.#open(name, async (file) => {
      const hash = createHash("sha256");
      const sizeBytes = await file.sizeBytes();
      for (let offset = 0; offset < sizeBytes; offset += COMPARE_BYTES) {
        hash.update(await readFully(file, offset, Math.min(COMPARE_BYTES, sizeBytes - offset), name));
      }
      return { sizeBytes, sha256: hash.digest() };
    });
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return this.#open(name, async (file) => readFully(file, 0, await file.sizeBytes(), name));
  }

  async readRange(name: string, offset: number, length: number): Promise<Uint8Array> {
    const bytes = await this.#open(name, (file) => readFully(file, offset, length, name));
    if (bytes === undefined) throw new EvidentError("corrupt_store", `${name} is missing`);
    return bytes;
  }

  async size(name: string): Promise<number | undefined> {
    return this.#open(name, (file) => file.sizeBytes());
  }

  async list(prefix: string): Promise<readonly string[]> {
    checkObjectPrefix(prefix);
    const names: string[] = [];
    await this.#guard(prefix, () => this.#walk(directoryOf(`${prefix}x`), prefix, names));
    return names.sort();
  }

  async renameMany(pairs: readonly { readonly from: string; readonly to: string }[]): Promise<void> {
    const directories = new Set<string>();
    await inParallel(pairs, ({ from, to }) =>
      this.#guard(from, async () => {
        checkObjectName(from);
        checkObjectName(to);
        directories.add(directoryOf(from)).add(directoryOf(to));
        await this.#alone(to, () => this.#directories.holding(directoryOf(to), () => this.#rename(from, to)));
      }),
    );
    await inParallel([...directories], (directory) => this.#guard(directory, () => this.#directories.sync(directory)));
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) checkObjectName(name);
    const byDirectory = Map.groupBy(names, directoryOf);
    await inParallel([...byDirectory], ([directory, inside]) =>
      this.#guard(directory, async () => {
        for (const name of inside) await this.#unlink(name);
        // Also when nothing was there: an earlier removal may have failed before this.
        if (!(await this.#isDirectory(directory))) return;
        await this.#directories.sync(directory);
        await this.#directories.prune(directory);
      }),
    );
  }

  /** Removes what an earlier run left unfinished. Only the holder of the lock may call it. */
  async clearTemporary(): Promise<void> {
    const path = join(this.#root, TEMPORARY);
    await this.#guard(TEMPORARY, () =>
      this.#directories.holding(TEMPORARY, async () => {
        for (const { name } of await this.#fileSystem.readdir(path)) await this.#fileSystem.unlink(join(path, name));
      }),
    );
  }

  /** Writes a synced file in the temporary directory and hands its path to `place`; whatever fails, nothing of it stays. */
  async #withTemporary(
    fill: (file: OpenFile) => Promise<void>,
    place: (temporary: string) => Promise<void>,
    mode?: number,
  ): Promise<void> {
    const temporary = join(this.#root, TEMPORARY, randomBytes(12).toString("hex"));
    await this.#directories.holding(TEMPORARY, async () => {
      try {
        await withFile(this.#fileSystem, temporary, "create", async (file) => {
          await fill(file);
          if (mode !== undefined) await file.chmod(mode);
          await file.fsync();
        });
        await place(temporary);
      } catch (cause) {
        await this.#fileSystem.unlink(temporary).catch(() => undefined);
        throw cause;
      }
    });
  }

  /** Creates `name` unless it is there with the same content. The directory is not synced yet. */
  async #place(name: string, fill: (file: OpenFile) => Promise<void>, isSame: () => Promise<boolean>): Promise<void> {
    await this.#withTemporary(
      fill,
      (temporary) =>
        this.#alone(name, async () => {
          if ((await this.size(name)) !== undefined) {
            if (!(await isSame())) throw differs(name);
            await this.#fileSystem.unlink(temporary);
            return;
          }
          await this.#directories.holding(directoryOf(name), () =>
            this.#fileSystem.rename(temporary, this.#path(name)),
          );
        }),
      READ_ONLY,
    );
  }

  async #rename(from: string, to: string): Promise<void> {
    const found = await this.read(to);
    if ((await this.size(from)) === undefined) {
      if (found !== undefined) return;
      throw new EvidentError("corrupt_store", `${from} is missing, so it cannot become ${to}`);
    }
    if (found !== undefined && !equalBytes(found, (await this.read(from)) ?? new Uint8Array(0))) throw differs(to);
    await this.#fileSystem.rename(this.#path(from), this.#path(to));
  }

  /** Runs `use` when no one else is putting `name` into place. */
  async #alone(name: string, use: () => Promise<void>): Promise<void> {
    for (let other = this.#placing.get(name); other !== undefined; other = this.#placing.get(name)) {
      await other.catch(() => undefined);
    }
    const mine = use();
    this.#placing.set(name, mine);
    try {
      await mine;
    } finally {
      this.#placing.delete(name);
    }
  }

  async #open<Value>(name: string, use: (file: OpenFile) => Promise<Value>): Promise<Value | undefined> {
    checkObjectName(name);
    try {
      return await withFile(this.#fileSystem, this.#path(name), "read", use);
    } catch (cause) {
      if (systemCode(cause) === "ENOENT" || systemCode(cause) === "ENOTDIR") return undefined;
      throw toStorageError(cause, name);
    }
  }

  async #walk(directory: string, prefix: string, names: string[]): Promise<void> {
    let entries: Awaited<ReturnType<FileSystem["readdir"]>>;
    try {
      entries = await this.#fileSystem.readdir(this.#path(directory));
    } catch (cause) {
      if (systemCode(cause) === "ENOENT" || systemCode(cause) === "ENOTDIR") return;
      throw cause;
    }
    for (const entry of entries) {
      if (directory === "" && !isObjectRoot(entry.name)) continue;
      const name = directory === "" ? entry.name : `${directory}/${entry.name}`;
      if (entry.kind === "directory") {
        if (name.startsWith(prefix) || prefix.startsWith(`${name}/`)) await this.#walk(name, prefix, names);
      } else if (name.startsWith(prefix)) names.push(name);
    }
  }

  async #unlink(name: string): Promise<void> {
    try {
      await this.#fileSystem.unlink(this.#path(name));
    } catch (cause) {
      if (systemCode(cause) !== "ENOENT") throw cause;
    }
  }

  async #isDirectory(directory: string): Promise<boolean> {
    try {
      return (await this.#fileSystem.stat(this.#path(directory))).kind === "directory";
    } catch (cause) {
      if (systemCode(cause) === "ENOENT" || systemCode(cause) === "ENOTDIR") return false;
      throw cause;
    }
  }

  async #guard<Value>(name: string, use: () => Promise<Value>): Promise<Value> {
    try {
      return await use();
    } catch (cause) {
      throw toStorageError(cause, name);
    }
  }

  #path(name: string): string {
    return join(this.#root, name);
  }
}

function differs(name: string): EvidentError {
  return new EvidentError("corrupt_store", `${name} exists with other content`);
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  const workers = Array.from({ length: Math.min(PARALLEL, items.length) }, async () => {
    for (const item of queue) await work(item);
  });
  const settled = await Promise.allSettled(workers);
  for (const each of settled) if (each.status === "rejected") throw each.reason;
}
