import { walRecordEnd, walSizes } from "@evident/core";
import { readPiece } from "./run-task.ts";

const PIECE_BYTES = 4 << 20;
const WINDOW_BYTES = 64 << 10;

/** A stretch of a log file that holds whole records, by their own lengths. */
export interface WalPiece {
  readonly offset: number;
  readonly length: number;
}

/**
 * Cuts a log file into pieces of about 4 MiB between records, by reading the records' lengths only.
 *
 * @returns the pieces from `from` on and where the last of them ends: what follows has not the form of a record
 */
export function cutWalFile(
  path: string,
  sizeBytes: number,
  from: number,
): { readonly pieces: readonly WalPiece[]; readonly end: number } {
  const pieces: WalPiece[] = [];
  let start = from;
  let at = from;
  let window: { readonly offset: number; readonly bytes: Uint8Array } = { offset: from, bytes: new Uint8Array() };
  while (at < sizeBytes) {
    if (at + walSizes.prefix > window.offset + window.bytes.length) {
      window = { offset: at, bytes: readPiece(path, at, Math.min(WINDOW_BYTES, sizeBytes - at)) };
    }
    const end = walRecordEnd(window.bytes, at - window.offset);
    if (end === undefined || window.offset + end > sizeBytes) break;
    const recordEnd = window.offset + end;
    if (recordEnd - start > PIECE_BYTES && at > start) {
      pieces.push({ offset: start, length: at - start });
      start = at;
    }
    at = recordEnd;
  }
  if (at > start) pieces.push({ offset: start, length: at - start });
  return { pieces, end: at };
}
