import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** How far a folder's lines have their verdicts, and the last sequence number among them. */
export interface Progress {
  readonly segment: number;
  readonly offset: number;
  readonly seq: number;
}

/** One write after each answer. Losing it costs only that lines are sent again, which the server recognises. */
export class ProgressFile {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, "w", 0o600);
  }

  write({ segment, offset, seq }: Progress): void {
    writeSync(this.#fd, `${segment} ${offset} ${seq}`.padEnd(47).concat("\n"), 0, "latin1");
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** A folder's progress; the beginning when there is none that can be read. */
export function readProgress(path: string): Progress {
  const parts = /^(\d{1,8}) (\d{1,15}) (\d{1,15}) *\n$/.exec(readText(path));
  const [segment = 0, offset = 0, seq = 0] = parts?.slice(1).map(Number) ?? [];
  return { segment, offset, seq };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
