import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChildTask } from "./child-process.ts";

const STEP_MS = 10;
/** Lines in a write when as fast as possible. */
const MOST = 5_000;

/** A web server's log to write. `rate` is lines a second; 0: as fast as they can be written. */
export interface WriterInput {
  readonly file: string;
  readonly lines: number;
  readonly rate: number;
}

/** How a line says when it was written: Unix ms in the path. */
export function lineAt(number: number, atMs: number): string {
  const address = `10.${(number >> 8) & 63}.${number & 255}.7`;
  const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
  const time = "25/Nov/2026:10:00:00 +0000";
  return `${address} - user${number % 500} [${time}] "GET /w/${atMs}/${number} HTTP/1.1" 200 ${number % 9_000} "https://shop.example/" "${agent}"\n`;
}

/** Appends lines at a steady rate and resolves with the milliseconds that it took. */
export const followWriterTask: ChildTask = async (input) => {
  const { file, lines, rate } = JSON.parse(input) as WriterInput;
  const output = openSync(file, "a");
  const startedMs = performance.now();
  for (let number = 0; number < lines; ) {
    const due = rate === 0 ? number + MOST : Math.floor(((performance.now() - startedMs) * rate) / 1_000);
    const end = Math.min(lines, due);
    if (end > number) {
      const atMs = Date.now();
      let text = "";
      for (; number < end; number += 1) text += lineAt(number, atMs);
      writeSync(output, text);
    }
    if (rate > 0) await sleep(STEP_MS);
  }
  closeSync(output);
  return performance.now() - startedMs;
};
