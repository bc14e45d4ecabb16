import type { Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { EvidentError } from "@evident/core";

/** Bytes that come out of the decoder at once. */
const OUT_BYTES = 64 * 1024;
/** Decoded bytes that may wait for the consumer: above it the decoder pauses, whatever its input grows to. */
const MAX_WAITING_BYTES = 512 * 1024;
/** RFC 9659: content encoded for HTTP needs no window beyond 8 MiB; a larger one would be memory that a sender decides about. */
const ZSTD_WINDOW_LOG = 23;

export type ContentEncoding = "gzip" | "zstd";

function makeDecoder(encoding: ContentEncoding): Transform & { readonly bytesWritten: number } {
  if (encoding === "gzip") return createGunzip({ chunkSize: OUT_BYTES });
  return createZstdDecompress({
    chunkSize: OUT_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
  });
}

/** A decoder that holds what came out until it is taken, also when its input turns out to be damaged. */
class Inflater {
  readonly #encoding: ContentEncoding;
  readonly #stream: ReturnType<typeof makeDecoder>;
  #out: Buffer[] = [];
  #waitingBytes = 0;
  #givenBytes = 0;
  #isBusy = false;
  #isAtEnd = false;
  #failure: Error | undefined;
  #change = Promise.withResolvers<void>();

  constructor(encoding: ContentEncoding) {
    this.#encoding = encoding;
    this.#stream = makeDecoder(encoding);
    this.#stream.on("data", (chunk: Buffer) => {
      this.#out.push(chunk);
      this.#waitingBytes += chunk.length;
      if (this.#waitingBytes >= MAX_WAITING_BYTES) this.#stream.pause();
      this.#change.resolve();
    });
    this.#stream.on("end", () => {
      this.#isAtEnd = true;
      this.#settle();
    });
    this.#stream.on("error", (cause) => {
      this.#failure = cause;
      this.#settle();
    });
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Gives a chunk to the decoder and yields what comes out of it. */
  async *write(chunk: Uint8Array): AsyncGenerator<Buffer> {
    this.#givenBytes += chunk.length;
    // The decoder ends by itself behind what it takes for the last frame.
    if (this.#isAtEnd) return;
    this.#isBusy = true;
    this.#stream.write(chunk, () => this.#settle());
    yield* this.#taken();
  }

  async *end(): AsyncGenerator<Buffer> {
    this.#isBusy = !this.#isAtEnd;
    this.#stream.end();
    yield* this.#taken();
    if (this.#encoding === "zstd" && this.#stream.bytesWritten < this.#givenBytes)
      this.#failure ??= new Error("something follows that is not zstd");
  }

  destroy(): void {
    this.#stream.destroy();
  }

  async *#taken(): AsyncGenerator<Buffer> {
    for (;;) {
      const out = this.#out;
      this.#out = [];
      this.#waitingBytes = 0;
      yield* out;
      if (this.#out.length > 0) continue;
      if (!this.#isBusy) return;
      this.#change = Promise.withResolvers<void>();
      this.#stream.resume();
      await this.#change.promise;
    }
  }

  #settle(): void {
    this.#isBusy = false;
    this.#change.resolve();
  }
}

/**
 * Decompresses a body as it arrives, in bounded memory. What could be decoded before an error is yielded first, so a truncated body
 * keeps its good lines.
 *
 * @throws EvidentError `bad_request` for a body that is cut off or no such data
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  encoding: ContentEncoding,
): AsyncGenerator<Uint8Array> {
  const inflater = new Inflater(encoding);
  try {
    for await (const chunk of source) {
      if (chunk.length > 0) yield* inflater.write(chunk);
      if (inflater.failure !== undefined) break;
    }
    if (inflater.failure === undefined) yield* inflater.end();
    if (inflater.failure !== undefined) {
      const fix = "Send the whole body again; lines that have a verdict are answered as duplicates.";
      throw new EvidentError("bad_request", `the ${encoding} body is damaged or cut off: ${inflater.failure.message}`, {
        cause: inflater.failure,
        fix,
      });
    }
  } finally {
    inflater.destroy();
  }
}
