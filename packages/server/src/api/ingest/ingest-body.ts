import type { EvidentError } from "@evident/core";
import type { Ledger } from "../../ledger/index.ts";
import { toEvidentError } from "../problems/index.ts";
import { addReceipts } from "./add-receipts.ts";
import type { IngestGate } from "./ingest-gate.ts";
import type { BodyShape, CheckedChunk, MakeConflict } from "./stages.ts";
import { storeLines } from "./store-lines.ts";
import type { Verdict } from "./verdict.ts";

/** Chunks whose entries may wait for the disk while the next is read and checked. */
const MAX_IN_FLIGHT = 4;
const ROOM_WAIT_MS = 30_000;

/** What comes out of a body, in order. `failed` names the lines without a verdict; nothing follows it but verdicts already under way. */
export type IngestStep =
  | { readonly kind: "verdicts"; readonly shape: BodyShape; readonly verdicts: readonly Verdict[] }
  | {
      readonly kind: "failed";
      readonly shape: BodyShape | undefined;
      readonly error: EvidentError;
      readonly lines?: LineRange;
    };

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
  readonly makeConflict: MakeConflict;
  /** Waits for the next checkpoint and adds a receipt to every verdict. */
  readonly receipts: boolean;
  /** Why reading must end early, asked before each chunk: the key is no longer valid, or the client takes no answers. */
  readonly whyStop: () => EvidentError | undefined;
}

/**
 * Stores a body chunk by chunk: while the entries of some chunks wait for the disk, the next are read and checked. A failed chunk ends
 * the reading; the verdicts of the others are still given, so that every line has a verdict or is named.
 */
export async function* ingestBody(options: IngestOptions): AsyncGenerator<IngestStep> {
  const { ledger, gate, trail, chunks, makeConflict, receipts, whyStop } = options;
  const inFlight: Promise<IngestStep>[] = [];
  let shape: BodyShape | undefined;
  let failed = false;
  try {
    for await (const chunk of chunks) {
      shape = chunk.shape;
      if (chunk.kind === "broken") {
        inFlight.push(Promise.resolve({ kind: "failed", shape, error: toEvidentError(chunk.cause) }));
        break;
      }
      const stop = whyStop();
      if (stop !== undefined) {
        inFlight.push(Promise.resolve({ kind: "failed", shape, error: stop, ...rangeOf(chunk) }));
        break;
      }
      inFlight.push(storeChunk({ ledger, trail, chunk, makeConflict, receipts }));
      while (inFlight.length >= MAX_IN_FLIGHT) {
        const step = await inFlight.shift();
        if (step === undefined) break;
        failed ||= step.kind === "failed";
        yield step;
      }
      if (failed) break;
      if (ledger.pressure().kind === "busy") await gate.waitForRoom(ROOM_WAIT_MS);
    }
  } catch (cause) {
    inFlight.push(Promise.resolve({ kind: "failed", shape, error: toEvidentError(cause) }));
  }
  for (const step of inFlight) yield await step;
}

interface StoredChunk {
  readonly ledger: Ledger;
  readonly trail: string;
  readonly chunk: CheckedChunk & { readonly kind: "lines" };
  readonly makeConflict: MakeConflict;
  readonly receipts: boolean;
}

/** Never rejects: a failure is a step like any other, so that nothing is unhandled while it waits its turn. */
async function storeChunk({ ledger, trail, chunk, makeConflict, receipts }: StoredChunk): Promise<IngestStep> {
  try {
    const verdicts = await storeLines(ledger, trail, chunk.lines, makeConflict);
    if (receipts) await addReceipts(ledger, verdicts);
    return { kind: "verdicts", shape: chunk.shape, verdicts };
  } catch (cause) {
    return { kind: "failed", shape: chunk.shape, error: toEvidentError(cause), ...rangeOf(chunk) };
  }
}

function rangeOf({ lines }: CheckedChunk & { readonly kind: "lines" }): { readonly lines?: LineRange } {
  const first = lines[0]?.line;
  const last = lines.at(-1)?.line;
  return first === undefined || last === undefined ? {} : { lines: { first, last } };
}
