import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { EvidentError } from "@evident/core";
import { Type } from "typebox";
import { Compile } from "typebox/compile";

const HeadsSchema = Type.Object({
  v: Type.Literal(1),
  logs: Type.Record(
    Type.String(),
    Type.Object({
      keys: Type.Array(Type.String()),
      signing: Type.Optional(Type.Array(Type.String())),
      size: Type.Integer({ minimum: 0 }),
      root: Type.String({ pattern: "^[A-Za-z0-9+/]{43}=$" }),
    }),
  ),
});
const checkHeads = Compile(HeadsSchema);

/** The newest head of a log that a verification has seen; `root` is base64. */
export interface RememberedHead {
  /** Genesis keys. */
  readonly keys: readonly string[];
  /** Keys that signed the head, when they are not the genesis keys. */
  readonly signing?: readonly string[];
  readonly size: number;
  readonly root: string;
}

/**
 * Heads by origin in a file of their own, kept away from the store: what was once seen cannot be taken back unnoticed.
 */
export class RememberedHeads {
  readonly #path: string;
  readonly #logs: Map<string, RememberedHead>;
  #isChanged = false;

  /** @throws EvidentError `malformed` when the file is there but not readable: a lost memory must not look like a first visit */
  constructor(path: string) {
    this.#path = path;
    this.#logs = new Map(Object.entries(readHeads(path)));
  }

  get(origin: string): RememberedHead | undefined {
    return this.#logs.get(origin);
  }

  /** Notes a verified head unless a larger one is known. */
  note(origin: string, head: RememberedHead): void {
    const known = this.#logs.get(origin);
    if (known !== undefined && known.size >= head.size) return;
    this.#logs.set(origin, head);
    this.#isChanged = true;
  }

  /** Writes what was noted: temporary file, fsync, rename; 0600. */
  save(): void {
    if (!this.#isChanged) return;
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const temporary = `${this.#path}.${randomBytes(4).toString("hex")}.tmp`;
    const handle = openSync(temporary, "wx", 0o600);
    try {
      const logs = Object.fromEntries([...this.#logs].sort(([a], [b]) => (a < b ? -1 : 1)));
      writeSync(handle, `${JSON.stringify({ v: 1, logs }, null, 2)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    chmodSync(temporary, 0o600);
    renameSync(temporary, this.#path);
    const directory = openSync(dirname(this.#path), "r");
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
    this.#isChanged = false;
  }
}

function readHeads(path: string): Record<string, RememberedHead> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return {};
    throw cause;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (checkHeads.Check(value)) return value.logs;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new EvidentError("malformed", `${path} does not hold remembered heads`, {
    fix: "Restore the file, or name another one with --remember; without it a roll-back goes unnoticed.",
  });
}
