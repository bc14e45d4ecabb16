import { encodeWalRecord, toBase64, type WalHeader } from "@evident/core";
import type { ReceivedClock } from "../clock.ts";
import type { Signer } from "../keys/index.ts";
import type { Storage, Wal } from "../storage/index.ts";
import { sealedEnd, type Trail } from "../trail/index.ts";
import type { OldWal, ReadPart, WalPart } from "./read-wal.ts";

const RUN_ENTRIES = 256;

interface Copied {
  readonly wal: Wal;
  /** seq and prev of the next record. */
  readonly seq: number;
  readonly prev: Uint8Array;
}

const RECORD_BYTES = 4 * 1024 * 1024;

interface Run {
  readonly first: number;
  readonly count: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Unsealed entries of one trail that go into one record of the new WAL. */
interface Chunk {
  readonly trail: Trail;
  readonly first: number;
  count: number;
  root: string;
  at: string;
  sizeBytes: number;
  readonly bodies: Uint8Array[];
  readonly runs: Run[];
}

/** Adds the entries of a part from `first` on. */
function addPart(chunk: Chunk, part: WalPart, bytes: Buffer, first: number): void {
  let offset = 0;
  let start = 0;
  for (let index = part.first; index < part.first + part.count; index += 1) {
    if (index === first) start = offset;
    const sizeBytes = 2 + bytes.readUInt16BE(offset);
    if (index >= first)
      addToRuns(chunk.runs, { first: index, count: 1, offset: chunk.sizeBytes + offset - start, sizeBytes });
    offset += sizeBytes;
  }
  // The reader keeps one file only: copy what must outlive it.
  chunk.bodies.push(new Uint8Array(bytes.subarray(start)));
  chunk.sizeBytes += bytes.length - start;
  chunk.count += part.first + part.count - first;
  chunk.root = part.root;
  chunk.at = part.at;
}

function addToRuns(runs: Run[], entry: Run): void {
  const run = runs.at(-1);
  if (run === undefined || run.count === RUN_ENTRIES) runs.push(entry);
  else runs[runs.length - 1] = { ...run, count: run.count + 1, sizeBytes: run.sizeBytes + entry.sizeBytes };
}

/** The unsealed entries of all trails, trail by trail, in records of about 4 MiB. */
async function* unsealedChunks(old: OldWal, read: ReadPart, trails: ReadonlyMap<string, Trail>): AsyncGenerator<Chunk> {
  for (const trail of trails.values()) {
    let chunk: Chunk | undefined;
    for (const part of old.parts) {
      if (part.trail !== trail.name || part.first + part.count <= sealedEnd(trail)) continue;
      const first = Math.max(part.first, sealedEnd(trail));
      chunk ??= { trail, first, count: 0, root: part.root, at: part.at, sizeBytes: 0, bodies: [], runs: [] };
      addPart(chunk, part, await read(part), first);
      if (chunk.sizeBytes < RECORD_BYTES) continue;
      yield chunk;
      chunk = undefined;
    }
    if (chunk !== undefined) yield chunk;
  }
}

/**
 * Starts the next epoch's WAL: its first record commits to the old files (length, valid end, SHA-256), the following ones carry the
 * unsealed entries. It appears whole or not at all; only then are the old files removed.
 */
export async function copyWal(
  storage: Storage,
  old: OldWal,
  trails: ReadonlyMap<string, Trail>,
  options: {
    readonly epoch: number;
    readonly signer: Signer;
    readonly clock: ReceivedClock;
    readonly fileBytes: number;
    readonly read: ReadPart;
  },
): Promise<Copied> {
  const { epoch, signer, clock, fileBytes, read } = options;
  // Before there are three: the new first record names the files of the epoch before it, not those that this one had replaced.
  await storage.removeWalFiles(old.replaced);
  let seq = 0;
  let prev: Uint8Array = new Uint8Array(32);
  const kept: { readonly chunk: Chunk; readonly bodyOffset: number }[] = [];
  function encode(
    header: Pick<WalHeader, "trails"> & Partial<WalHeader>,
    body: readonly Uint8Array[],
  ): { bytes: Uint8Array; bodyOffset: number } {
    const full: WalHeader = { v: 1, epoch, seq, prev: toBase64(prev), at: clock.now(), ...header };
    const record = encodeWalRecord(full, body, (message) => signer.sign(message));
    seq += 1;
    prev = record.digest;
    return record;
  }
  async function* records(): AsyncGenerator<Uint8Array> {
    yield encode(old.files.length === 0 ? { trails: [] } : { trails: [], recovered: old.files }, []).bytes;
    for await (const chunk of unsealedChunks(old, read, trails)) {
      const { trail, first, count, root } = chunk;
      const record = encode({ trails: [{ trail: trail.name, first, count, root }] }, chunk.bodies);
      chunk.bodies.length = 0;
      kept.push({ chunk, bodyOffset: record.bodyOffset });
      yield record.bytes;
    }
  }
  const { wal, placed } = await storage.openWal(epoch, records(), { fileBytes });
  for (const [i, { chunk, bodyOffset }] of kept.entries()) {
    const place = placed[i + 1];
    if (place === undefined) continue;
    for (const run of chunk.runs) {
      chunk.trail.wal.push({
        ...run,
        file: place.file,
        offset: place.offset + bodyOffset + run.offset,
        atMs: Date.parse(chunk.at),
      });
    }
  }
  await storage.removeWalFiles(old.files.map(({ file }) => file));
  return { wal, seq, prev };
}
