import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { EvidentError } from "@evident/core";

/** Input handed to the decoder at once: what it can grow to is bounded before the consumer is asked again (zstd grows the most). */
const SLICE_BYTES = { gzip: 16 * 1024, zstd: 2 * 1024 } as const;

export type ContentEncoding = keyof typeof SLICE_BYTES;

/** Waits until a chunk was taken in, and collects what came out of it. */
class Inflater {
  readonly #stream: Transform;
  #out: Buffer[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #failure: Error | undefined;

  constructor(encoding: ContentEncoding) {
    this.#stream = encoding === "gzip" ? createGunzip() : createZstdDecompress();
    this.#ended.promise.catch(() => undefined);
    this.#stream.on("data", (chunk: Buffer) => this.#out.push(chunk));
    this.#stream.on("end", () => this.#ended.resolve());
    this.#stream.on("error", (cause) => {
      this.#failure = cause;
      this.#ended.reject(cause);
    });
  }

  /** Bytes that came out so far and were not taken yet. */
  take(): Buffer[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  async write(slice: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return;
    const taken = new Promise<void>((resolve) => this.#stream.write(slice, () => resolve()));
    await Promise.race([taken, this.#ended.promise.catch(() => undefined)]);
  }

  async end(): Promise<void> {
    this.#stream.end();
    await this.#ended.promise.catch(() => undefined);
  }

  destroy(): void {
    this.#stream.destroy();
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
  const sliceBytes = SLICE_BYTES[encoding];
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length && inflater.failure === undefined; at += sliceBytes) {
        await inflater.write(chunk.subarray(at, at + sliceBytes));
        yield* inflater.take();
      }
      if (inflater.failure !== undefined) break;
    }
    if (inflater.failure === undefined) await inflater.end();
    yield* inflater.take();
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
