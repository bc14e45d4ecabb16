import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  decodeWalRecord,
  EvidentError,
  findWalRecord,
  type Hash,
  parseCheckpoint,
  parseNote,
  parseWalFileName,
  type WalHeader,
} from "@evident/core";
import { fileSize, listFiles } from "./list-files.ts";
import { readPiece } from "./run-task.ts";
import { statedHash } from "./stated-hash.ts";

const PEEK_BYTES = 4 << 20;
const LARGEST_NOTE_BYTES = 1 << 20;

/** A tree head that someone states; not checked. */
export interface StatedHead {
  readonly size: number;
  readonly root: Hash;
}

type ClosingHeads = NonNullable<WalHeader["heads"]>;

/**
 * The heads in the closing record, when the newest log file ends with one. Not checked: it says early which tiles to expect.
 */
export function peekClosingHeads(dataDir: string): ClosingHeads | undefined {
  const newest = [...listFiles(dataDir, "wal")]
    .filter(({ path }) => parseWalFileName(path.slice("wal/".length)) !== undefined)
    .at(-1);
  if (newest === undefined) return undefined;
  const path = join(dataDir, newest.path);
  const sizeBytes = fileSize(path) ?? 0;
  const bytes = readPiece(path, Math.max(0, sizeBytes - PEEK_BYTES), Math.min(PEEK_BYTES, sizeBytes));
  let at = findWalRecord(bytes, 0);
  while (at !== undefined) {
    const record = decodeWalRecord(bytes, at);
    if (record.kind !== "record") return undefined;
    if (record.end === bytes.length) return record.header.close === true ? (record.header.heads ?? []) : undefined;
    at = decodeWalRecord(bytes, record.end).kind === "record" ? record.end : findWalRecord(bytes, record.end);
  }
  return undefined;
}

/** The head of a trail among those of the closing record. */
export function headIn(heads: ClosingHeads | undefined, trail: string): StatedHead | undefined {
  const head = heads?.find((each) => each.trail === trail);
  return head === undefined ? undefined : { size: head.size, root: statedHash(head.root) };
}

/** Bytes of a trail's checkpoint; undefined when there is none, or something far too long for one. */
export function readCheckpointFile(dataDir: string, trail: string): Uint8Array | undefined {
  const path = join(dataDir, "trails", trail, "checkpoint");
  const sizeBytes = fileSize(path);
  if (sizeBytes === undefined || sizeBytes > LARGEST_NOTE_BYTES) return undefined;
  return new Uint8Array(readFileSync(path));
}

/** The head that a checkpoint states, whoever signed it; undefined when it is no checkpoint or its size is beyond 2^53. */
export function statedHead(note: Uint8Array): StatedHead | undefined {
  try {
    const { size, root } = parseCheckpoint(parseNote(note).text);
    return size > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : { size: Number(size), root };
  } catch (cause) {
    if (cause instanceof EvidentError) return undefined;
    throw cause;
  }
}
