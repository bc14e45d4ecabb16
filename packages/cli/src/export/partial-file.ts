import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, link, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EvidentError } from "@evident/core";
import { fileError } from "../files/index.ts";

/** Length and SHA-256 of what was written. */
export interface WrittenFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Codes of file systems without hard links. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * A file that has its name only when it is whole: until then it lies beside it as `.<name>.<random>.partial`. A killed process leaves that
 * name, which nothing takes for an export.
 */
export class PartialFile {
  readonly path: string;
  readonly #target: string;
  readonly #force: boolean;

  private constructor(target: string, path: string, force: boolean) {
    this.#target = target;
    this.path = path;
    this.#force = force;
  }

  /** @throws EvidentError `conflict` when the file exists and `force` is not set */
  static async create(target: string, force: boolean): Promise<PartialFile> {
    const exists = await stat(target).then(
      () => true,
      () => false,
    );
    if (exists && !force) throw existsAlready(target);
    const path = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.partial`);
    return new PartialFile(target, path, force);
  }

  /** Another file of this export that goes with it, never under the target's name. */
  beside(ending: string): string {
    return `${this.path}.${ending}`;
  }

  /** Makes the content durable, then gives it its name. @throws EvidentError `conflict` when something has taken the name meanwhile */
  async finish(): Promise<void> {
    try {
      await syncPath(this.path);
      if (this.#force) await rename(this.path, this.#target);
      else await this.#takeName();
      await syncPath(dirname(this.#target));
    } catch (cause) {
      throw fileError(this.#target, cause);
    }
  }

  /** A rename would write over what came there meanwhile; a link does not. */
  async #takeName(): Promise<void> {
    try {
      await link(this.path, this.#target);
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
      if (code === "EEXIST") throw existsAlready(this.#target);
      if (!NO_LINKS.has(code)) throw cause;
      await rename(this.path, this.#target);
      return;
    }
    await rm(this.path);
  }

  /** Removes what there is of it. */
  async discard(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

function existsAlready(target: string): EvidentError {
  return new EvidentError("conflict", `${target} exists already`, {
    fix: "Name another file, or write over it with --force.",
  });
}

async function syncPath(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    await handle.sync();
  } finally {
    await handle?.close();
  }
}

/** Length and SHA-256 of a file. */
export async function digestFile(path: string): Promise<WrittenFile> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const part of createReadStream(path)) {
    hash.update(part as Buffer);
    sizeBytes += (part as Buffer).length;
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}
