import type { EvidentError } from "@evident/core";
import type { BodyShape } from "../../capture/index.ts";
import type { CheckedLine } from "../../check/index.ts";
import type { Ledger } from "../../ledger/index.ts";
import { toEvidentError } from "../problems/index.ts";
import { addReceipts } from "./add-receipts.ts";
import type { IngestGate } from "./ingest-gate.ts";
import { StepQueue, type StepSize } from "./step-queue.ts";
import { type OnDuplicate, type QuarantineConflicts, storeLines } from "./store-lines.ts";
import type { Verdict } from "./verdict.ts";

const ROOM_WAIT_MS = 30_000;
const NOTHING: StepSize = { lines: 0, bytes: 0 };

/** What comes out of a body, in order. `failed` names the lines without a verdict; nothing follows it but verdicts already under way. */
export type IngestStep =
  | { readonly kind: "verdicts"; readonly shape: BodyShape; readonly verdicts: readonly Verdict[] }
  | {
      readonly kind: "failed";
      readonly shape: BodyShape | undefined;
      readonly error: EvidentError;
      readonly lines?: LineRange;
    };

/** Lines of a body that arrived together. */
export interface CheckedChunk {
  readonly shape: BodyShape;
  readonly lines: readonly CheckedLine[];
}

/** Lines from `first` to `last`, both included, counted from 1. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

export interface IngestOptions {
  readonly ledger: Ledger;
  readonly gate: IngestGate;
  readonly trail: string;
  readonly chunks: AsyncIterable<CheckedChunk>;
  readonly quarantineConflicts: QuarantineConflicts;
  readonly onDuplicate: OnDuplicate;
  /** Waits for the next checkpoint and adds a receipt to every verdict. */
  readonly receipts: boolean;
  /** Why reading must end early, asked before each chunk: the key is no longer valid, or the client takes no answers. */
  readonly whyStop: () => EvidentError | undefined;
  /** Ends the wait for more of the body: nobody takes the steps any longer. */
  readonly stopReading: () => void;
}

/**
 * Stores a body chunk by chunk: while the entries of some chunks wait for the disk, the next are read and checked, and verdicts come out
 * as soon as they are known. A failed chunk ends the reading; the verdicts of the others are still given, so that every line has a
 * verdict or is named.
 */
export async function* ingestBody(options: IngestOptions): AsyncGenerator<IngestStep> {
  const queue = new StepQueue<IngestStep>();
  const reading = readChunks(options, queue);
  try {
    for (let step = await queue.take(); step !== undefined; step = await queue.take()) yield step;
  } finally {
    queue.end();
    options.stopReading();
    await reading;
  }
}

/** Never rejects: what ends the reading is the last step. */
async function readChunks(options: IngestOptions, queue: StepQueue<IngestStep>): Promise<void> {
  const { ledger, gate, chunks, whyStop, stopReading } = options;
  let shape: BodyShape | undefined;
  const state = { failed: false };
  try {
    for await (const chunk of chunks) {
      // What was stopped is no whole body: its last record may be half of one.
      if (state.failed || queue.hasEnded) break;
      shape = chunk.shape;
      const error = whyStop();
      if (error !== undefined) {
        void queue.add(Promise.resolve({ kind: "failed", shape, error, ...rangeOf(chunk) }), NOTHING);
        break;
      }
      const step = storeChunk(options, chunk).then((done) => {
        if (done.kind === "failed") {
          state.failed = true;
          stopReading();
        }
        return done;
      });
      if (!(await queue.add(step, sizeOf(chunk)))) break;
      // Blobs become durable before their entries get an index: the lines behind would overtake them, and a body keeps its order.
      if (chunk.lines.some(({ draft }) => draft.blob !== undefined)) await step;
      if (ledger.pressure().kind === "busy") await gate.waitForRoom(ROOM_WAIT_MS, () => !queue.hasEnded);
    }
  } catch (cause) {
    // A body that we stopped reading ends as if it were broken: the reason has been given.
    if (!state.failed)
      void queue.add(Promise.resolve({ kind: "failed", shape, error: toEvidentError(cause) }), NOTHING);
  }
  queue.end();
}

/** Never rejects: a failure is a step like any other, so that nothing is unhandled while it waits its turn. */
async function storeChunk(
  { ledger, trail, quarantineConflicts, onDuplicate, receipts }: IngestOptions,
  chunk: CheckedChunk,
): Promise<IngestStep> {
  try {
    const verdicts = await storeLines(ledger, trail, chunk.lines, quarantineConflicts, onDuplicate);
    if (receipts) await addReceipts(ledger, verdicts);
    return { kind: "verdicts", shape: chunk.shape, verdicts };
  } catch (cause) {
    return { kind: "failed", shape: chunk.shape, error: toEvidentError(cause), ...rangeOf(chunk) };
  }
}

function sizeOf({ lines }: CheckedChunk): StepSize {
  return { lines: lines.length, bytes: lines.reduce((sum, { raw }) => sum + raw.length, 0) };
}

function rangeOf({ lines }: CheckedChunk): { readonly lines?: LineRange } {
  const first = lines[0]?.line;
  const last = lines.at(-1)?.line;
  return first === undefined || last === undefined ? {} : { lines: { first, last } };
}
