import { EvidentError } from "../errors/index.ts";
import { MAX_ENTRY_BYTES } from "./hash.ts";

/**
 * Entry bundle of C2SP tlog-tiles: for each entry a big-endian 16-bit length and the entry.
 *
 * @throws EvidentError `bad_encoding` for an entry of more than 65,535 bytes
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  let sizeBytes = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) {
      throw new EvidentError("bad_encoding", `an entry has ${entry.length} bytes; the limit is ${MAX_ENTRY_BYTES}`);
    }
    sizeBytes += 2 + entry.length;
  }
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const entry of entries) {
    bytes[offset] = entry.length >> 8;
    bytes[offset + 1] = entry.length & 0xff;
    bytes.set(entry, offset + 2);
    offset += 2 + entry.length;
  }
  return bytes;
}

/**
 * The entries of a bundle; they share its memory.
 *
 * @throws EvidentError `bad_encoding` when a length points past the end
 */
export function decodeBundle(bytes: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const length = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
    const end = offset + 2 + length;
    if (end > bytes.length) {
      throw new EvidentError(
        "bad_encoding",
        `entry ${entries.length} of the bundle ends at ${end} of ${bytes.length} bytes`,
      );
    }
    entries.push(bytes.subarray(offset + 2, end));
    offset = end;
  }
  return entries;
}
