import { createReadStream, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { EvidentError } from "@evident/core";
import { fileError } from "../files/index.ts";

/** Bytes to send, and how far the file has been read for a progress bar. */
export interface Input {
  readonly bytes: AsyncIterable<Buffer>;
  /** Part of the file that was read, from 0 to 1; undefined for a pipe. */
  share(): number | undefined;
}

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

function decompressorOf(start: Buffer): ReturnType<typeof createGunzip | typeof createZstdDecompress> | undefined {
  if (start.subarray(0, GZIP.length).equals(GZIP)) return createGunzip();
  return start.subarray(0, ZSTD.length).equals(ZSTD) ? createZstdDecompress() : undefined;
}

async function* unpacked(source: Readable, name: string): AsyncGenerator<Buffer> {
  try {
    const parts = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const first = await parts.next();
    if (first.done === true) return;
    const rest = { [Symbol.asyncIterator]: () => parts };
    const whole = async function* (): AsyncGenerator<Buffer> {
      yield first.value;
      yield* rest;
    };
    const decompressor = decompressorOf(first.value);
    if (decompressor === undefined) {
      yield* whole();
      return;
    }
    const { Readable: Streams, pipeline } = await import("node:stream");
    // The error of either side comes out of the iteration below.
    pipeline(Streams.from(whole()), decompressor, () => undefined);
    for await (const part of decompressor) yield part as Buffer;
  } catch (cause) {
    const isDamaged = cause instanceof Error && "code" in cause && /^(?:Z_|ZSTD_)/.test(String(cause.code));
    if (!isDamaged) throw fileError(name, cause);
    throw new EvidentError("malformed", `${name} is damaged or cut off: ${cause.message}`, {
      cause,
      fix: "What came before the damage was sent. Fetch the file again and send it again: nothing is stored twice.",
    });
  }
}

/** Opens a file, or stdin for `-`; gzip and zstd are recognised by their first bytes. @throws EvidentError by the file's error */
export function openInput(path: string, workingDirectory: string): Input {
  if (path === "-") return { bytes: unpacked(process.stdin, "stdin"), share: () => undefined };
  const file = resolve(workingDirectory, path);
  let sizeBytes: number;
  try {
    sizeBytes = statSync(file).size;
  } catch (cause) {
    throw fileError(path, cause);
  }
  const stream = createReadStream(file, { highWaterMark: 1024 * 1024 });
  return {
    bytes: unpacked(stream, path),
    share: () => (sizeBytes === 0 ? 1 : stream.bytesRead / sizeBytes),
  };
}
