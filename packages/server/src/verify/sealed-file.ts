import { join } from "node:path";
import { EvidentError, parseSeekTable, type SeekTable, TILE_WIDTH } from "@evident/core";
import { fileSize } from "./list-files.ts";
import type { Report } from "./report.ts";
import { readPiece } from "./run-task.ts";
import type { RecordedFile } from "./store-facts.ts";
import type { DigestTask, FramesTask } from "./tasks.ts";
import type { TaskRunner } from "./worker-pool.ts";

const TASK_FRAMES = 64;
const TASK_BYTES = 8 << 20;

/** A sealed file to read. `path` is relative to the data directory, `end` exclusive. */
export interface SealedPlan {
  readonly path: string;
  readonly first: number;
  readonly end: number;
}

/** The seek table of a sealed file, or what is wrong with it. */
export async function readSeekTable(dataDir: string, path: string): Promise<SeekTable | string> {
  const full = join(dataDir, path);
  const sizeBytes = fileSize(full);
  if (sizeBytes === undefined) return "the file is not there";
  try {
    return await parseSeekTable(sizeBytes, (offset, length) => Promise.resolve(readPiece(full, offset, length)));
  } catch (cause) {
    if (cause instanceof EvidentError) return cause.message;
    throw cause;
  }
}

/** Compares a sealed file with the length and digest that `evident` recorded. */
export async function checkRecorded(
  recorded: RecordedFile,
  at: { readonly dataDir: string; readonly trail: string; readonly runner: TaskRunner; readonly report: Report },
): Promise<void> {
  const { first, end, sizeBytes, sha256 } = recorded;
  const file = `trails/${at.trail}/${recorded.file}`;
  const add = (kind: "missing" | "truncated" | "edited", detail: string): void =>
    at.report.add({ trail: at.trail, index: first, end, kind, file, detail });
  const found = await at.runner.run<DigestTask>({ kind: "digest", path: join(at.dataDir, file) });
  if (found.sizeBytes < 0) add("missing", `the file is not there; entry ${recorded.index} of evident recorded it`);
  else if (found.sizeBytes !== sizeBytes) {
    const kind = found.sizeBytes < sizeBytes ? "truncated" : "edited";
    add(kind, `the file has ${found.sizeBytes} bytes; entry ${recorded.index} of evident recorded ${sizeBytes}`);
  } else if (found.sha256 !== sha256) {
    add("edited", `the file's SHA-256 is ${found.sha256}; entry ${recorded.index} of evident recorded ${sha256}`);
  }
}

/** Cuts a sealed file into tasks of neighbouring frames. */
export function* cutSealedFile(
  plan: SealedPlan,
  table: SeekTable,
  at: { readonly dataDir: string; readonly trail: string; readonly treeSize: number },
): Generator<FramesTask> {
  const task = (from: number, to: number): FramesTask => ({
    kind: "frames",
    ...at,
    path: join(at.dataDir, plan.path),
    frames: table.frames.slice(from, to),
    firstBundle: plan.first / TILE_WIDTH + from,
    end: plan.end,
  });
  let from = 0;
  let bytes = 0;
  for (const [i, frame] of table.frames.entries()) {
    if (i > from && (i - from >= TASK_FRAMES || bytes + frame.plainBytes > TASK_BYTES)) {
      yield task(from, i);
      from = i;
      bytes = 0;
    }
    bytes += frame.plainBytes;
  }
  if (from < table.frames.length) yield task(from, table.frames.length);
}
