import { EvidentError } from "../errors/index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of `text`. A lone surrogate becomes U+FFFD, so check text from outside before. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Text of UTF-8 bytes; a byte order mark is kept as a character.
 *
 * @throws EvidentError `bad_encoding` when the bytes are not valid UTF-8
 */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new EvidentError("bad_encoding", `${bytes.length} bytes are not valid UTF-8`, { cause });
  }
}
