import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import type { FileSystem, OpenFile } from "@evident/server";
import type { DiskImage, DiskStep } from "./disk-model.ts";

/**
 * A file system that notes every change, barrier and mark below `root` in the order in which they finished, so that any moment of the
 * run can be replayed through a `DiskModel`. The name of `root` itself counts as durable.
 */
export class RecordingFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  readonly #root: string;
  readonly #inodes = new Map<string, number>();
  #nextInode = 1;
  readonly #onStep: (done: number) => void;
  readonly steps: DiskStep[] = [];

  /** `onStep` is called after each step with the number of steps done. */
  constructor(inner: FileSystem, root: string, onStep: (done: number) => void = () => undefined) {
    this.#inner = inner;
    this.#root = root;
    this.#onStep = onStep;
  }

  /** Takes what is below `root` already as durable. */
  adopt(): void {
    if (!existsSync(this.#root)) return;
    for (const entry of readdirSync(this.#root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isDirectory()) this.#push(path, (name) => ({ kind: "makeDirectory", path: name }));
      if (!entry.isFile()) continue;
      const inode = this.#create(path);
      this.note({ kind: "write", inode, offset: 0, bytes: new Uint8Array(readFileSync(path)) });
      this.note({ kind: "syncFile", inode, covers: this.steps.length });
    }
    const directories = this.steps.flatMap((step) => (step.kind === "makeDirectory" ? [step.path] : []));
    for (const path of ["", ...directories]) this.note({ kind: "syncDirectory", path, covers: this.steps.length });
  }

  /** Adds a step to the recording. */
  note(step: DiskStep): void {
    this.steps.push(step);
    this.#onStep(this.steps.length);
  }

  /** Notes something that the outside saw. */
  mark(label: string, value: unknown): void {
    this.note({ kind: "mark", label, value });
  }

  async open(path: string, access: "create" | "update" | "read"): Promise<OpenFile> {
    const file = await this.#inner.open(path, access);
    const name = this.#name(path);
    if (name === undefined) return file;
    const inode = access === "create" ? this.#create(path) : this.#inodes.get(name);
    if (inode === undefined) throw new Error(`${path} was there before the recording began`);
    return new RecordedFile(this, inode, file);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#inner.rename(from, to);
    const [source, target] = [this.#name(from), this.#name(to)];
    if (source === undefined || target === undefined) return;
    const inode = this.#inodes.get(source);
    if (inode === undefined) throw new Error(`${from}: only files are renamed`);
    this.#inodes.delete(source);
    this.#inodes.set(target, inode);
    this.note({ kind: "rename", from: source, to: target, inode });
  }

  async unlink(path: string): Promise<void> {
    await this.#inner.unlink(path);
    this.#push(path, (name) => {
      this.#inodes.delete(name);
      return { kind: "remove", path: name };
    });
  }

  async mkdir(path: string): Promise<void> {
    await this.#inner.mkdir(path);
    this.#push(path, (name) => ({ kind: "makeDirectory", path: name }));
  }

  async rmdir(path: string): Promise<void> {
    await this.#inner.rmdir(path);
    this.#push(path, (name) => ({ kind: "remove", path: name }));
  }

  readdir(path: string): ReturnType<FileSystem["readdir"]> {
    return this.#inner.readdir(path);
  }

  stat(path: string): ReturnType<FileSystem["stat"]> {
    return this.#inner.stat(path);
  }

  async syncDirectory(path: string): Promise<void> {
    const covers = this.steps.length;
    await this.#inner.syncDirectory(path);
    this.#push(path, (name) => ({ kind: "syncDirectory", path: name, covers }));
  }

  #push(path: string, step: (name: string) => DiskStep): void {
    const name = this.#name(path);
    if (name !== undefined) this.note(step(name));
  }

  #create(path: string): number {
    const inode = this.#nextInode;
    this.#nextInode += 1;
    this.#push(path, (name) => {
      this.#inodes.set(name, inode);
      return { kind: "create", path: name, inode };
    });
    return inode;
  }

  /** The path below the root; undefined outside it. */
  #name(path: string): string | undefined {
    const name = relative(this.#root, path);
    return name === ".." || name.startsWith(`..${sep}`) ? undefined : name.replaceAll(sep, "/");
  }
}

class RecordedFile implements OpenFile {
  readonly #recording: RecordingFileSystem;
  readonly #inode: number;
  readonly #inner: OpenFile;

  constructor(recording: RecordingFileSystem, inode: number, inner: OpenFile) {
    this.#recording = recording;
    this.#inode = inode;
    this.#inner = inner;
  }

  async pwrite(bytes: Uint8Array, offset: number): Promise<number> {
    const copy = bytes.slice();
    const written = await this.#inner.pwrite(bytes, offset);
    this.#recording.note({ kind: "write", inode: this.#inode, offset, bytes: copy.subarray(0, written) });
    return written;
  }

  pread(into: Uint8Array, offset: number): Promise<number> {
    return this.#inner.pread(into, offset);
  }

  async fdatasync(): Promise<void> {
    const covers = this.#recording.steps.length;
    await this.#inner.fdatasync();
    this.#recording.note({ kind: "syncFile", inode: this.#inode, covers });
  }

  async fsync(): Promise<void> {
    const covers = this.#recording.steps.length;
    await this.#inner.fsync();
    this.#recording.note({ kind: "syncFile", inode: this.#inode, covers });
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#inner.truncate(sizeBytes);
    this.#recording.note({ kind: "truncate", inode: this.#inode, sizeBytes });
  }

  chmod(mode: number): Promise<void> {
    return this.#inner.chmod(mode);
  }

  sizeBytes(): Promise<number> {
    return this.#inner.sizeBytes();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** Lays out what a power cut left as real files in `directory`, which must be empty. */
export function writeImage(image: DiskImage, directory: string): void {
  for (const path of image.directories) mkdirSync(join(directory, path), { recursive: true, mode: 0o700 });
  for (const [path, bytes] of image.files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, path), bytes, { mode: 0o600 });
  }
}
