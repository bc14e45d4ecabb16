import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import {
  decodeWalRecord,
  HASH_BYTES,
  hashLeaf,
  MAX_ENTRY_BYTES,
  type SeekFrame,
  sha256,
  TILE_WIDTH,
  tilePath,
  toBase64,
  type WalRecord,
} from "@evident/core";
import { digestFile } from "./check-blob.ts";
import { checkBundle } from "./check-bundle.ts";
import { compareTile, rootOfHashes, tileWidth } from "./compare-tile.ts";
import { EntryChecker } from "./entry-checker.ts";
import type {
  BundleFacts,
  BundleResult,
  DigestResult,
  FramesResult,
  FramesTask,
  ResultOf,
  VerifyTask,
  WalPart,
  WalRecordFacts,
  WalResult,
  WalTask,
} from "./tasks.ts";

const NEWLINE = 0x0a;
const BLOB = Buffer.from('"blob":{"digest":"');

/** Runs a piece of a verification. Synchronous: it runs in a worker, or in place when there is little to do. */
export function runTask<Task extends VerifyTask>(task: Task): ResultOf<Task>;
export function runTask(task: VerifyTask): FramesResult | WalResult | DigestResult | BundleResult {
  if (task.kind === "bundle") return checkBundle(task);
  if (task.kind === "frames") return checkFrames(task);
  if (task.kind === "wal") return checkWal(task);
  const found = digestFile(task.path);
  return { kind: "digest", sizeBytes: found?.sizeBytes ?? -1, sha256: toBase64(found?.sha256 ?? new Uint8Array()) };
}

/** Bytes of a file, as many as there are. */
export function readPiece(path: string, offset: number, length: number): Buffer {
  const handle = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const count = readSync(handle, bytes, filled, length - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    closeSync(handle);
  }
}

function readTile(dataDir: string, trail: string, n: number, width: number): Uint8Array | undefined {
  try {
    return readFileSync(join(dataDir, "trails", trail, tilePath(0, n, width)));
  } catch {
    return undefined;
  }
}

function checkFrames(task: FramesTask): FramesResult {
  const { dataDir, trail, path, frames, firstBundle, end, treeSize } = task;
  const offset = frames[0]?.offset ?? 0;
  const last = frames.at(-1);
  const packed = readPiece(path, offset, last === undefined ? 0 : last.offset + last.compressedBytes - offset);
  const checker = new EntryChecker(dataDir, trail, firstBundle * TILE_WIDTH);
  const bundles = frames.map((frame, i): BundleFacts => {
    const n = firstBundle + i;
    const count = Math.min(TILE_WIDTH, end - n * TILE_WIDTH);
    const plain = unpack(packed.subarray(frame.offset - offset, frame.offset - offset + frame.compressedBytes), frame);
    const leaves = typeof plain === "string" ? plain : hashLines(plain, count, checker);
    if (typeof leaves === "string") {
      checker.skip(count);
      return { n, count, root: undefined, leaves: undefined, unreadable: leaves };
    }
    const width = tileWidth(treeSize, n);
    const tile = width === 0 ? undefined : compareTile(n, leaves, width, readTile(dataDir, trail, n, width));
    const hashes =
      count === TILE_WIDTH
        ? { root: new Uint8Array(rootOfHashes(leaves)), leaves: undefined }
        : { root: undefined, leaves };
    return { n, count, ...hashes, ...(tile === undefined ? {} : { tile }) };
  });
  return { kind: "frames", bundles, facts: checker.facts() };
}

function unpack(packed: Uint8Array, frame: SeekFrame): Buffer | string {
  try {
    // One piece of output, and never more memory than the seek table states.
    const options = { chunkSize: Math.max(64, frame.plainBytes + 1), maxOutputLength: Math.max(1, frame.plainBytes) };
    const plain = zstdDecompressSync(packed, options);
    if (plain.length === frame.plainBytes) return plain;
    return `the frame unpacks to ${plain.length} bytes, its table states ${frame.plainBytes}`;
  } catch (cause) {
    return `the frame does not unpack: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/** Leaf hashes of the lines of a frame, or what is wrong with them as lines. */
function hashLines(plain: Buffer, count: number, checker: EntryChecker): Uint8Array | string {
  const bounds = findLines(plain, count);
  if (typeof bounds === "string") return bounds;
  if (!isUtf8(plain)) return "the frame's text is not UTF-8";
  const mayNameBlob = plain.includes(BLOB);
  const leaves = new Uint8Array(count * HASH_BYTES);
  let start = 0;
  for (const [i, end] of bounds.entries()) {
    checker.check(plain, start, end, mayNameBlob);
    leaves.set(start === 0 ? hashLeaf(plain.subarray(0, end)) : hashLeafInPlace(plain, start, end), i * HASH_BYTES);
    start = end + 1;
  }
  return leaves;
}

/** The leaf hash needs 0x00 before the entry: the byte there, a line end or a length already read, lends its place. */
function hashLeafInPlace(buffer: Buffer, start: number, end: number): Uint8Array {
  buffer[start - 1] = 0;
  return sha256(buffer.subarray(start - 1, end));
}

function findLines(plain: Buffer, count: number): number[] | string {
  const ends: number[] = [];
  for (let start = 0; start < plain.length; ) {
    const end = plain.indexOf(NEWLINE, start);
    if (end < 0) return "the frame's last line is not ended";
    if (end - start > MAX_ENTRY_BYTES) return `line ${ends.length} of the frame has ${end - start} bytes`;
    if (ends.length === count) return `the frame holds more than ${count} lines`;
    ends.push(end);
    start = end + 1;
  }
  return ends.length === count ? ends : `the frame holds ${ends.length} lines, not ${count}`;
}

function checkWal(task: WalTask): WalResult {
  const bytes = readPiece(task.path, task.offset, task.length);
  const records: WalRecordFacts[] = [];
  let at = 0;
  while (at < bytes.length) {
    const signedItem = decodeWalRecord(bytes, at, task.key);
    const isForged = signedItem.kind === "invalid" && signedItem.why === "signature";
    const item = isForged ? decodeWalRecord(bytes, at) : signedItem;
    if (item.kind !== "record") return { kind: "wal", records, brokenAt: task.offset + at };
    records.push({
      header: item.header,
      offset: task.offset + at,
      end: task.offset + item.end,
      digest: item.digest,
      signed: !isForged,
      parts: hashParts(item, bytes, task.dataDir),
    });
    at = item.end;
  }
  return { kind: "wal", records };
}

function hashParts(record: WalRecord, bytes: Buffer, dataDir: string): WalPart[] {
  let offset = record.bodyOffset;
  const mayNameBlob = bytes.subarray(offset, record.end).includes(BLOB);
  return record.header.trails.map(({ trail, first, count, root }) => {
    const checker = new EntryChecker(dataDir, trail, first);
    const leaves = new Uint8Array(count * HASH_BYTES);
    for (let i = 0; i < count; i += 1) {
      const start = offset + 2;
      const end = start + bytes.readUInt16BE(offset);
      checker.check(bytes, start, end, mayNameBlob);
      if (bytes.subarray(start, end).includes(NEWLINE)) {
        checker.fault({ index: first + i, kind: "malformed", detail: "the entry holds a line end" });
      }
      leaves.set(hashLeafInPlace(bytes, start, end), i * HASH_BYTES);
      offset = end;
    }
    return { trail, root, leaves, facts: checker.facts() };
  });
}
