import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { gzipSync } from "node:zlib";

const MOST_OLD = 40;
let seconds = 0;

/** A line of a web server's log; each is of another second. */
export function lineOf(path: string): string {
  seconds += 1;
  const time = new Date(Date.UTC(2026, 10, 25) + (seconds % 86_400) * 1_000).toISOString().slice(11, 19);
  return `10.0.0.1 - ann [25/Nov/2026:${time} +0000] "GET ${path} HTTP/1.1" 200 5 "-" "test"\n`;
}

/** Appends a line for each path that is asked for. */
export function writeLines(file: string, ...paths: readonly string[]): void {
  appendFileSync(file, paths.map(lineOf).join(""));
}

export function packFile(from: string, to: string): void {
  writeFileSync(to, gzipSync(readFileSync(from)));
  unlinkSync(from);
}

/** Rotates a log as logrotate does. */
export function rotateLog(path: string, kind: "rename" | "copytruncate" | "gz"): void {
  for (let old = MOST_OLD; old > 0; old -= 1) {
    for (const end of ["", ".gz"]) {
      if (existsSync(`${path}.${old}${end}`)) renameSync(`${path}.${old}${end}`, `${path}.${old + 1}${end}`);
    }
  }
  if (kind === "copytruncate") {
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
    return;
  }
  renameSync(path, `${path}.1`);
  writeFileSync(path, "");
  if (kind === "gz") packFile(`${path}.1`, `${path}.1.gz`);
}
