import { type Adapter, type AdaptStream, frameInput, toSubmission } from "@evident/server";
import type { Tally } from "./counts.ts";
import { type LineBatch, MAX_BYTES, MAX_LINES } from "./line-batches.ts";

/** Longest record that is read whole; a longer one goes to quarantine with its beginning. */
const MAX_RECORD_BYTES = 16 << 20;

/** What a log is read with. */
export interface AdaptedInput {
  readonly adapters: readonly Adapter[];
  readonly stream: AdaptStream;
  /** `origin.source`; undefined: the key's. */
  readonly source: string | undefined;
  readonly tally: Tally;
}

/** Reads a log in its own format and yields what is to be sent in batches of about 4 MiB, events and unreadable records. */
export async function* adaptedBatches(bytes: AsyncIterable<Buffer>, input: AdaptedInput): AsyncGenerator<LineBatch> {
  const { adapters, stream } = input;
  const batch = new OpenBatch(input);
  const framings = adapters.map(({ framing }) => framing);
  for await (const lines of frameInput(bytes, framings, MAX_RECORD_BYTES)) {
    batch.add(stream.take(lines));
    if (batch.isFull) yield batch.take();
  }
  batch.add(stream.end());
  if (batch.sizeBytes > 0) yield batch.take();
}

class OpenBatch {
  readonly #input: AdaptedInput;
  #lines: Buffer[] = [];
  #numbers: number[] = [];
  sizeBytes = 0;

  constructor(input: AdaptedInput) {
    this.#input = input;
  }

  get isFull(): boolean {
    return this.#lines.length >= MAX_LINES || this.sizeBytes >= MAX_BYTES;
  }

  add(readings: ReturnType<AdaptStream["take"]>): void {
    for (const reading of readings) {
      const text = toSubmission(reading, this.#input.source);
      if (text === undefined) {
        this.#input.tally.skip(reading.kind === "skipped" ? reading.why : "part of another event", reading.lines);
        continue;
      }
      const line = Buffer.from(`${text}\n`);
      this.#lines.push(line);
      this.#numbers.push(reading.line);
      this.sizeBytes += line.length;
    }
  }

  take(): LineBatch {
    const numbers = this.#numbers;
    const batch = { lines: this.#lines, lineOf: (line: number) => numbers[line - 1] ?? 0 };
    this.#lines = [];
    this.#numbers = [];
    this.sizeBytes = 0;
    return batch;
  }
}
