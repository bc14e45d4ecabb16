import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Size and root (base64) of a head that was signed and shown. */
export interface ShownHead {
  readonly size: number;
  readonly root: string;
}

const FILE_NAME = "heads.json";

/**
 * The newest published head of each trail, kept beside the keys: a data directory that was put back to an older copy, consistent in itself,
 * is behind them, and the server must not sign another history over what it has shown.
 *
 * Written at each publish, after the checkpoint is durable, so it is never ahead of the store. It is not synced: after a power cut it may be
 * older, or unreadable and then counts as empty; the store's own checks do not depend on it.
 */
export class ShownHeads {
  readonly #path: string;
  readonly #heads: Map<string, ShownHead>;

  constructor(keysDir: string) {
    this.#path = join(keysDir, FILE_NAME);
    this.#heads = new Map(Object.entries(readHeads(this.#path)));
  }

  all(): ReadonlyMap<string, ShownHead> {
    return this.#heads;
  }

  /** Notes that a head is published. */
  note(trail: string, head: ShownHead): void {
    this.#heads.set(trail, head);
    const temporary = `${this.#path}.new`;
    try {
      writeFileSync(temporary, `${JSON.stringify(Object.fromEntries(this.#heads))}\n`, { mode: 0o600 });
      renameSync(temporary, this.#path);
    } catch {
      // A full or read-only keys directory does not stop publishing: the file is then older, and the next head writes it.
    }
  }
}

function isHead(value: unknown): value is ShownHead {
  if (typeof value !== "object" || value === null) return false;
  const { size, root } = value as { readonly size?: unknown; readonly root?: unknown };
  return Number.isSafeInteger(size) && typeof root === "string";
}

function readHeads(path: string): Readonly<Record<string, ShownHead>> {
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof found !== "object" || found === null) return {};
    return Object.fromEntries(Object.entries(found).filter((each): each is [string, ShownHead] => isHead(each[1])));
  } catch {
    // Not there at the first start; unreadable after a power cut.
    return {};
  }
}
