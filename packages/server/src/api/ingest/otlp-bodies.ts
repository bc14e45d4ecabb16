import { hash, randomUUID } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import {
  AdaptStream,
  adapterOptions,
  decodeBytes,
  findAdapters,
  firstKey,
  type OtlpEncoding,
  readLogRequest,
} from "../../capture/index.ts";
import { RetryError } from "../problems/index.ts";
import { type AdaptedLines, toLines } from "./adapted-body.ts";

const MIB = 1024 * 1024;
/** Of one body after decompression: OTLP bodies are read whole. Collectors send up to some MiB; their own receivers stop at 20 MiB. */
const BODY_BYTES = 20 * MIB;
/** Of all bodies that are being read now. */
const ALL_BODIES_BYTES = 64 * MIB;
const RETRY_SECONDS = 1;

/** How one body is read. */
interface OtlpBody {
  readonly encoding: OtlpEncoding;
  readonly contentEncoding: string | undefined;
  readonly bodyBytes: number;
  readonly options: Readonly<Record<string, string>>;
  readonly source: string | undefined;
  readonly nowMs: () => number;
}

/** Reads OTLP bodies, bounded each and all together. */
export class OtlpBodies {
  #heldBytes = 0;

  /**
   * Reads an ExportLogsServiceRequest. The same bytes give the same ids when every record has a time: a request that is sent again
   * because its answer was lost is stored once.
   *
   * @throws EvidentError `bad_request`, `too_large`, `unsupported_media`, `overloaded` while others take all the room
   */
  async *read(source: AsyncIterable<Uint8Array>, body: OtlpBody): AsyncGenerator<AdaptedLines> {
    const adapters = findAdapters("otel");
    const optionsOf = adapterOptions(adapters, body.options);
    let heldBytes = 0;
    const hold = (sizeBytes: number): void => {
      this.#heldBytes += sizeBytes;
      heldBytes += sizeBytes;
      if (this.#heldBytes > ALL_BODIES_BYTES) throw new RetryError("other OTLP bodies are being read", RETRY_SECONDS);
    };
    try {
      const bytes = await collect(source, body, hold);
      if (bytes.length === 0 && body.encoding === "json") throw new EvidentError("bad_request", "the body is empty");
      const request = readLogRequest(bytes, body.encoding);
      const stream = new AdaptStream({
        adapters,
        optionsOf,
        context: { nowMs: body.nowMs },
        ...(body.source === undefined ? {} : { source: body.source }),
        key: firstKey(request.isTimed ? `otlp ${hash("sha256", bytes, "hex")}` : randomUUID()),
      });
      for (const lines of request.chunks()) {
        yield toLines(stream.take(lines), body.source);
        // Other requests have their turn between two chunks.
        await nextTurn();
      }
      yield toLines(stream.end(), body.source);
    } finally {
      this.#heldBytes -= heldBytes;
    }
  }
}

async function collect(
  source: AsyncIterable<Uint8Array>,
  { contentEncoding, bodyBytes }: OtlpBody,
  hold: (sizeBytes: number) => void,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const limits = { bodyBytes: Math.min(bodyBytes, BODY_BYTES), lineBytes: BODY_BYTES };
  for await (const part of decodeBytes(source, { contentEncoding, limits })) {
    hold(part.length);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
