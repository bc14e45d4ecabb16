import { closeSync, openSync, writeSync } from "node:fs";

const SLOT_BYTES = 96;
const MOST_SLOTS = 65_536;
const FREE = " ".repeat(SLOT_BYTES - 1);

/** An access that had begun when its process died. */
export interface Unfinished {
  readonly id: string;
  readonly begunMs: number;
  readonly what: string;
}

/**
 * The accesses under way, in a small file beside the segments: one slot of 96 bytes each, written when an access begins and freed when it
 * is recorded. What stands there after the process was killed had begun and was never accepted.
 */
export class OpenSlots {
  readonly #path: string;
  readonly #free: number[] = [];
  #fd: number | undefined;
  #made = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns the slot; undefined when 65,536 accesses are under way: the next ones are not noted. */
  take({ id, begunMs, what }: Unfinished): number | undefined {
    const slot = this.#free.pop() ?? (this.#made < MOST_SLOTS ? this.#made++ : undefined);
    if (slot === undefined) return undefined;
    this.#fd ??= openSync(this.#path, "w", 0o600);
    const text = `${id} ${begunMs} ${what.replace(/[^!-~]+/g, "_")}`.slice(0, SLOT_BYTES - 1);
    writeSync(this.#fd, `${text.padEnd(SLOT_BYTES - 1)}\n`, slot * SLOT_BYTES, "latin1");
    return slot;
  }

  free(slot: number): void {
    if (this.#fd === undefined) return;
    writeSync(this.#fd, FREE, slot * SLOT_BYTES, "latin1");
    this.#free.push(slot);
  }

  get count(): number {
    return this.#made - this.#free.length;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** What the slots of a dead process say. */
export function parseSlots(text: string): readonly Unfinished[] {
  return text.split("\n").flatMap((line) => {
    const [, id = "", at = "", what = ""] = /^(\S{1,64}) (\d{1,16}) (\S*) *$/.exec(line) ?? [];
    return id === "" ? [] : [{ id, begunMs: Number(at), what }];
  });
}
