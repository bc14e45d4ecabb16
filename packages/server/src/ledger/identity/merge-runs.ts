import { setImmediate, setTimeout } from "node:timers/promises";
import { compareKeys } from "./record.ts";
import type { RunWriter } from "./run-writer.ts";

/** Records in the order of their keys. `advance` returns false when `fill` must be awaited first. */
export interface RecordCursor {
  readonly words: Uint32Array;
  readonly at: number;
  advance(): boolean;
  fill(): Promise<void>;
}

/** How merging shares the thread with ingest: slices of `sliceMs`, then `share` of the time at most. `stopped` ends it early. */
export interface MergePace {
  readonly sliceMs: number;
  share(): number;
  stopped(): boolean;
}

const LOOK_EVERY = 512;

/**
 * Writes what the cursors hold in one order; of equal keys the first cursor's record is kept.
 * @returns false when it was stopped
 */
export async function mergeRecords(
  cursors: readonly RecordCursor[],
  writer: RunWriter,
  pace: MergePace,
): Promise<boolean> {
  for (const cursor of cursors) if (cursor.at < 0 && !cursor.advance()) await cursor.fill();
  const last = new Uint32Array(4);
  let written = 0;
  let sliceEnd = performance.now() + pace.sliceMs;
  for (let step = 1; ; step += 1) {
    const cursor = smallest(cursors);
    if (cursor === undefined) return true;
    if (written === 0 || compareKeys(cursor.words, cursor.at, last, 0) !== 0) {
      while (!writer.push(cursor.words, cursor.at)) await writer.drain();
      for (let i = 0; i < 4; i += 1) last[i] = cursor.words[cursor.at + i] ?? 0;
      written += 1;
    }
    if (!cursor.advance()) await cursor.fill();
    if (step % LOOK_EVERY !== 0 || performance.now() < sliceEnd) continue;
    if (pace.stopped()) return false;
    await rest(pace);
    sliceEnd = performance.now() + pace.sliceMs;
  }
}

function smallest(cursors: readonly RecordCursor[]): RecordCursor | undefined {
  let found: RecordCursor | undefined;
  for (const cursor of cursors) {
    if (cursor.at < 0) continue;
    if (found === undefined || compareKeys(cursor.words, cursor.at, found.words, found.at) < 0) found = cursor;
  }
  return found;
}

async function rest(pace: MergePace): Promise<void> {
  const restMs = pace.sliceMs / pace.share() - pace.sliceMs;
  if (restMs < 1) await setImmediate();
  else await setTimeout(restMs);
}
