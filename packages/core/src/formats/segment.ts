import { concatBytes } from "../encoding/index.ts";
import { EvidentError } from "../errors/index.ts";

/** A zstd frame of a sealed file: where it lies, and the bytes it holds packed and unpacked. */
export interface SeekFrame {
  readonly offset: number;
  readonly compressedBytes: number;
  readonly plainBytes: number;
}

/** The frames of a sealed file; the seek table itself begins at `end`. */
export interface SeekTable {
  readonly frames: readonly SeekFrame[];
  readonly end: number;
}

/** Limits of a sealed file. A frame holds at most 256 entries of 65,535 bytes and their line ends. */
export const segmentLimits = { frames: 1 << 20, frameBytes: 256 * 65_536 } as const;

const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
const SKIPPABLE_HEADER_BYTES = 8;
const ENTRY_BYTES = 8;
const FOOTER_BYTES = 9;
const NEWLINE = 0x0a;

/**
 * Seek table in a skippable frame, as the zstd seekable format 0.1.0 defines it, without checksums. It ends a sealed file.
 *
 * @throws EvidentError `bad_encoding` for more than 2^20 frames or frames that do not follow each other
 */
export function encodeSeekTable(frames: readonly SeekFrame[]): Uint8Array {
  if (frames.length > segmentLimits.frames) {
    throw new EvidentError("bad_encoding", `a seek table holds at most ${segmentLimits.frames} frames`);
  }
  const contentBytes = frames.length * ENTRY_BYTES + FOOTER_BYTES;
  const bytes = new Uint8Array(SKIPPABLE_HEADER_BYTES + contentBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, SKIPPABLE_MAGIC, true);
  view.setUint32(4, contentBytes, true);
  let offset = 0;
  for (const [i, frame] of frames.entries()) {
    if (frame.offset !== offset)
      throw new EvidentError("bad_encoding", `frame ${i} begins at ${frame.offset}, not ${offset}`);
    view.setUint32(SKIPPABLE_HEADER_BYTES + i * ENTRY_BYTES, frame.compressedBytes, true);
    view.setUint32(SKIPPABLE_HEADER_BYTES + i * ENTRY_BYTES + 4, frame.plainBytes, true);
    offset += frame.compressedBytes;
  }
  view.setUint32(bytes.length - FOOTER_BYTES, frames.length, true);
  view.setUint32(bytes.length - 4, SEEKABLE_MAGIC, true);
  return bytes;
}

/**
 * Reads the seek table at the end of a sealed file and checks that frames and table fill the file exactly.
 *
 * @param read returns `length` bytes of the file from `offset`
 * @throws EvidentError `malformed` when there is no such table
 */
export async function parseSeekTable(
  fileBytes: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<SeekTable> {
  if (fileBytes < SKIPPABLE_HEADER_BYTES + FOOTER_BYTES) throw malformed(`${fileBytes} bytes are too few`);
  const footer = viewOf(await read(fileBytes - FOOTER_BYTES, FOOTER_BYTES));
  if (footer.byteLength !== FOOTER_BYTES || footer.getUint32(5, true) !== SEEKABLE_MAGIC || footer.getUint8(4) !== 0) {
    throw malformed("the footer is not that of a seek table without checksums");
  }
  const count = footer.getUint32(0, true);
  const tableBytes = SKIPPABLE_HEADER_BYTES + count * ENTRY_BYTES + FOOTER_BYTES;
  const end = fileBytes - tableBytes;
  if (count > segmentLimits.frames || end < 0) throw malformed(`${count} frames do not fit into ${fileBytes} bytes`);
  const table = viewOf(await read(end, tableBytes));
  if (
    table.byteLength !== tableBytes ||
    table.getUint32(0, true) !== SKIPPABLE_MAGIC ||
    table.getUint32(4, true) !== tableBytes - SKIPPABLE_HEADER_BYTES
  ) {
    throw malformed(`no skippable frame of ${tableBytes} bytes at ${end}`);
  }
  const frames = readFrames(table, count);
  const last = frames.at(-1);
  const framesEnd = last === undefined ? 0 : last.offset + last.compressedBytes;
  if (framesEnd !== end) throw malformed(`the frames end at ${framesEnd}, the table begins at ${end}`);
  return { frames, end };
}

function readFrames(table: DataView, count: number): SeekFrame[] {
  const frames: SeekFrame[] = [];
  let offset = 0;
  for (let i = 0; i < count; i += 1) {
    const at = SKIPPABLE_HEADER_BYTES + i * ENTRY_BYTES;
    const frame = { offset, compressedBytes: table.getUint32(at, true), plainBytes: table.getUint32(at + 4, true) };
    if (frame.compressedBytes === 0 || frame.plainBytes > segmentLimits.frameBytes) {
      throw malformed(`frame ${i} has ${frame.compressedBytes} bytes packed, ${frame.plainBytes} unpacked`);
    }
    frames.push(frame);
    offset += frame.compressedBytes;
  }
  return frames;
}

function malformed(detail: string): EvidentError {
  return new EvidentError("malformed", `seek table: ${detail}`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Content of a frame: each entry followed by a newline. */
export function joinLines(entries: readonly Uint8Array[]): Uint8Array {
  const newline = Uint8Array.of(NEWLINE);
  return concatBytes(...entries.flatMap((entry) => [entry, newline]));
}

/**
 * The lines of a frame's content, without their newlines; they share its memory.
 *
 * @throws EvidentError `malformed` when the last line is not ended
 */
export function splitLines(content: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  while (start < content.length) {
    const end = content.indexOf(NEWLINE, start);
    if (end < 0) throw new EvidentError("malformed", `line ${lines.length} of the frame has no end`);
    lines.push(content.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function pad(value: number): string {
  return String(value).padStart(16, "0");
}

/** Name below a trail's directory of the segment that begins with entry `first`. */
export function segmentPath(first: number): string {
  return `segments/${pad(first)}.ndjson.zst`;
}

/** Name below a trail's directory of the tail that holds entries `[first, size)`. */
export function tailPath(first: number, size: number): string {
  return `tails/${pad(first)}-${pad(size)}.ndjson.zst`;
}

/** Name below a trail's directory of the note by which keys changed at `size`. */
export function rotationPath(size: number): string {
  return `rotations/${pad(size)}.note`;
}

/** What a name below a trail's `segments/`, `tails/` or `rotations/` stands for; undefined for any other name. */
export function parseTrailPath(
  path: string,
):
  | { readonly kind: "segment"; readonly first: number }
  | { readonly kind: "tail"; readonly first: number; readonly size: number }
  | { readonly kind: "rotation"; readonly size: number }
  | undefined {
  const groups =
    /^(?:segments\/(?<first>\d{16})\.ndjson\.zst|tails\/(?<tail>\d{16})-(?<end>\d{16})\.ndjson\.zst|rotations\/(?<size>\d{16})\.note)$/.exec(
      path,
    )?.groups;
  if (groups === undefined) return undefined;
  const number = (text: string | undefined): number => Number(text ?? "0");
  const largest = Math.max(number(groups.first), number(groups.tail), number(groups.end), number(groups.size));
  if (!Number.isSafeInteger(largest)) return undefined;
  if (groups.first !== undefined) return { kind: "segment", first: number(groups.first) };
  if (groups.tail !== undefined) return { kind: "tail", first: number(groups.tail), size: number(groups.end) };
  return { kind: "rotation", size: number(groups.size) };
}
