import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";

/** How a log is rotated: renamed, copied and truncated, or renamed and packed, the newest old file at once or one later. */
export type Rotation = "rename" | "copytruncate" | "gz" | "delayed gz";

/** What a writer does. */
export interface WriterOptions {
  readonly directory: string;
  readonly rotation: Rotation;
  /** Of all ids that it writes. */
  readonly label: string;
  readonly lines: number;
  readonly linesPerFile: number;
  readonly random: () => number;
}

function lineOf(label: string, number: number): string {
  const seconds = String(number % 60).padStart(2, "0");
  const text = `10.0.0.1 - ann [25/Nov/2026:10:00:${seconds} +0000] "GET /${label}/${number} HTTP/1.1" 200 5 "-" "test"\n`;
  // One in ten is followed by two that are the same as each other.
  const same = `10.0.0.2 - ann [25/Nov/2026:10:00:00 +0000] "GET /${label}/same HTTP/1.1" 200 5 "-" "test"\n`;
  return number % 10 === 0 ? `${text}${same}${same}` : text;
}

/** Every path that a writer's lines ask for, as often as it is written. */
export function* writtenPaths({ label, lines }: Pick<WriterOptions, "label" | "lines">): Generator<string> {
  for (let number = 0; number < lines; number += 1) {
    yield `/${label}/${number}`;
    if (number % 10 === 0) yield* [`/${label}/same`, `/${label}/same`];
  }
}

/** Writes a web server's log, in pieces that also end in the middle of lines, and rotates it. */
export async function writeAndRotate(options: WriterOptions): Promise<void> {
  const { directory, label, lines, linesPerFile, random } = options;
  const path = join(directory, `${label}.log`);
  let log = openSync(path, "a");
  let rotations = 0;
  for (let number = 0; number < lines; ) {
    const count = Math.min(lines - number, 1 + Math.floor(random() * 60), linesPerFile - (number % linesPerFile));
    const text = Array.from({ length: count }, (_, at) => lineOf(label, number + at)).join("");
    const middle = Math.floor(random() * text.length);
    writeSync(log, text.slice(0, middle));
    if (random() < 0.3) await sleep(random() * 10);
    writeSync(log, text.slice(middle));
    number += count;
    await sleep(random() * 6);
    if (number % linesPerFile !== 0) continue;
    rotations += 1;
    log = rotate(options, path, log, rotations);
  }
  closeSync(log);
}

function rotate({ rotation }: WriterOptions, path: string, log: number, rotations: number): number {
  for (let old = rotations; old > 0; old -= 1) {
    for (const end of ["", ".gz"]) {
      const name = `${path}.${old}${end}`;
      if (existsSync(name)) renameSync(name, `${path}.${old + 1}${end}`);
    }
  }
  if (rotation === "copytruncate") {
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
    return log;
  }
  renameSync(path, `${path}.1`);
  const fresh = openSync(path, "a");
  closeSync(log);
  if (rotation === "gz") pack(`${path}.1`);
  if (rotation === "delayed gz" && existsSync(`${path}.2`)) pack(`${path}.2`);
  return fresh;
}

function pack(path: string): void {
  writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
  unlinkSync(path);
}
