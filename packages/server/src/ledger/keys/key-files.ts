import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { EvidentError, fromBase64, toBase64 } from "@evident/core";
import { ShownHeads } from "./shown-heads.ts";

/** Writes a private file so that a crash leaves either nothing or all of it: temporary file, fsync, rename, fsync of the directory. */
function writePrivate(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  const handle = openSync(temporary, "w", 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Makes a directory durable with those above it that were made: lost keys would take every trail with them. */
function makeDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 }) ?? path;
  // Also when it was there: an earlier start may have ended before this.
  for (let made = path; made.length >= first.length; made = dirname(made)) syncDirectory(dirname(made));
}

function readJson(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null) return { ...value };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new EvidentError("corrupt_store", `${path} does not hold what it should`, {
    fix: "Restore the keys directory from its backup.",
  });
}

function missing(path: string): EvidentError {
  return new EvidentError("corrupt_store", `the key ${path} is missing`, {
    fix: "Restore the keys directory from its backup.",
  });
}

function parseSeed(path: string, value: unknown): Uint8Array {
  if (typeof value !== "string")
    throw new EvidentError("corrupt_store", `${path}: a key is missing`, {
      fix: "Restore the keys directory from its backup.",
    });
  const seed = fromBase64(value);
  if (seed.length !== 32) throw new EvidentError("corrupt_store", `${path}: a key has ${seed.length} bytes, not 32`);
  return seed;
}

/** One generation of a trail's checkpoint keys: seeds of 32 bytes. */
export interface CheckpointKey {
  readonly origin: string;
  readonly ed25519: Uint8Array;
  readonly mldsa44: Uint8Array;
}

/**
 * The keys directory (0700, files 0600). Every file is made once and read back; nothing here is ever overwritten but `trails.json`
 * and `heads.json`, which are public.
 */
export class KeyFiles {
  readonly #dir: string;
  /** Newest published heads. */
  readonly shown: ShownHeads;

  constructor(dir: string) {
    this.#dir = resolve(dir);
    makeDirectory(this.#dir);
    makeDirectory(join(this.#dir, "trails"));
    chmodSync(this.#dir, 0o700);
    this.shown = new ShownHeads(this.#dir);
  }

  /** Files whose mode lets others read them: a warning for `doctor`. */
  exposed(names: readonly string[]): readonly string[] {
    return names.filter((name) => (statSync(join(this.#dir, name)).mode & 0o077) !== 0);
  }

  /**
   * A 32-byte seed for one use; made while the store is begun.
   * @throws EvidentError `corrupt_store` when it is missing later: another one would take every old event for a new one
   */
  seed(use: "wal" | "statement" | "mac"): Uint8Array {
    const path = join(this.#dir, `${use}.key`);
    if (!existsSync(path)) {
      if (this.published().evident !== undefined) throw missing(path);
      writePrivate(path, `${JSON.stringify({ v: 1, use, seed: toBase64(randomBytes(32)) })}\n`);
    }
    return parseSeed(path, readJson(path).seed);
  }

  /** True when the key file of a trail's generation is there. */
  holds(trail: string, generation: number): boolean {
    return existsSync(this.#trailPath(trail, generation));
  }

  /**
   * One generation of a trail's checkpoint keys. A missing file is made with `origin`; without an origin it is an error.
   * The file's origin wins: a start that crashed after making it goes on with the same one.
   */
  checkpointKey(trail: string, generation: number, origin?: string): CheckpointKey {
    const path = this.#trailPath(trail, generation);
    if (!existsSync(path)) {
      if (origin === undefined) throw missing(path);
      const file = {
        v: 1,
        use: "checkpoint",
        origin,
        generation,
        ed25519: toBase64(randomBytes(32)),
        mldsa44: toBase64(randomBytes(32)),
      };
      writePrivate(path, `${JSON.stringify(file)}\n`);
    }
    const file = readJson(path);
    return {
      origin: String(file.origin),
      ed25519: parseSeed(path, file.ed25519),
      mldsa44: parseSeed(path, file.mldsa44),
    };
  }

  /** Records the public genesis keys of a trail beside the secret ones, for `verify` without a server. */
  publish(trail: string, origin: string, genesis: readonly string[]): void {
    const all = this.published();
    if (all[trail] !== undefined) return;
    writePrivate(
      join(this.#dir, "trails.json"),
      `${JSON.stringify({ ...all, [trail]: { origin, genesis } }, null, 2)}\n`,
    );
  }

  published(): Readonly<Record<string, { readonly origin: string; readonly genesis: readonly string[] }>> {
    const path = join(this.#dir, "trails.json");
    if (!existsSync(path)) return {};
    return readJson(path) as Record<string, { origin: string; genesis: string[] }>;
  }

  #trailPath(trail: string, generation: number): string {
    return join(this.#dir, "trails", `${trail}.${generation}.key`);
  }
}
