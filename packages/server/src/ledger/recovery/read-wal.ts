import {
  EvidentError,
  equalBytes,
  fromBase64,
  parseWalFileName,
  scanWal,
  sha256,
  toBase64,
  type WalHeader,
} from "@evident/core";
import type { Storage } from "../storage/index.ts";

/** The entries of one trail in one record: `count` times (u16 length, entry) at `offset` of `file`. `root` is the trail's after them. */
export interface WalPart {
  readonly trail: string;
  readonly first: number;
  readonly count: number;
  readonly root: string;
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly at: string;
}

/** What an earlier run left in `wal/`. */
export interface OldWal {
  /** 0 when there was none. */
  readonly epoch: number;
  readonly files: readonly {
    readonly file: string;
    readonly sizeBytes: number;
    readonly validEnd: number;
    readonly sha256: string;
  }[];
  /** Files of still older epochs that this one replaced, and that a crash kept from being removed. */
  readonly replaced: readonly string[];
  readonly parts: readonly WalPart[];
  readonly closed: boolean;
  /** Published heads that the closing record states; empty when there is none. */
  readonly heads: NonNullable<WalHeader["heads"]>;
  /** `at` of the last record; "" when there is none. */
  readonly lastAt: string;
  /** Where an unfinished last record begins. */
  readonly torn?: { readonly file: string; readonly offset: number };
}

interface Chain {
  seq: number | undefined;
  prev: Uint8Array | undefined;
  closed: boolean;
  heads: OldWal["heads"];
  at: string;
}

function epochOf(file: string): number {
  return parseWalFileName(file)?.epoch ?? 0;
}

function checkLink(chain: Chain, header: WalHeader, file: string, epoch: number): void {
  const fits =
    header.epoch === epoch &&
    !chain.closed &&
    (chain.seq === undefined || header.seq === chain.seq + 1) &&
    (chain.prev === undefined || equalBytes(fromBase64(header.prev), chain.prev));
  if (!fits)
    throw new EvidentError(
      "corrupt_store",
      `wal/${file}: record ${header.seq} of epoch ${header.epoch} does not follow the one before it`,
    );
}

function partsOf(header: WalHeader, file: string, bodyOffset: number, bytes: Uint8Array): WalPart[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = bodyOffset;
  return header.trails.map(({ trail, first, count, root }) => {
    const start = offset;
    for (let i = 0; i < count; i += 1) offset += 2 + view.readUInt16BE(offset);
    return { trail, first, count, root, file, offset: start, sizeBytes: offset - start, at: header.at };
  });
}

/**
 * Reads and checks every record of the newest epoch: signature, chain, file order, what lies behind the last record.
 * @throws EvidentError `corrupt_store` for an invalid record before a valid one, a missing file or a broken chain
 */
export async function readWal(storage: Storage, publicKey: Uint8Array): Promise<OldWal> {
  const all = await storage.walFiles();
  const epoch = all.reduce((newest, { file }) => Math.max(newest, epochOf(file)), 0);
  const current = all.filter(({ file }) => epochOf(file) === epoch);
  const replaced = all.filter(({ file }) => epochOf(file) !== epoch).map(({ file }) => file);
  const chain: Chain = { seq: undefined, prev: undefined, closed: false, heads: [], at: "" };
  const files: { file: string; sizeBytes: number; validEnd: number; sha256: string }[] = [];
  const parts: WalPart[] = [];
  const named = new Set<string>();
  let torn: OldWal["torn"];
  for (const [position, { file, sizeBytes }] of current.entries()) {
    const bytes = await storage.readWalFile(file, 0, sizeBytes);
    const scan = scanWal(bytes, publicKey);
    const last = position === current.length - 1;
    if (scan.tail === "corrupt" || (!last && scan.tail !== "clean") || (last && scan.tail !== "clean" && scan.closed)) {
      throw new EvidentError(
        "corrupt_store",
        `wal/${file}: no valid record at byte ${scan.validEnd}, although more follows`,
      );
    }
    for (const { header, bodyOffset, digest } of scan.records) {
      checkLink(chain, header, file, epoch);
      chain.seq = header.seq;
      chain.prev = digest;
      chain.closed = header.close === true;
      chain.heads = header.heads ?? [];
      chain.at = header.at;
      for (const each of header.recovered ?? []) named.add(each.file);
      parts.push(...partsOf(header, file, bodyOffset, bytes));
    }
    if (scan.tail === "torn") torn = { file, offset: scan.validEnd };
    files.push({ file, sizeBytes, validEnd: scan.validEnd, sha256: toBase64(sha256(bytes)) });
  }
  checkFileOrder(current.map(({ file }) => file));
  const unexplained = replaced.filter((file) => !named.has(file));
  if (unexplained.length > 0)
    throw new EvidentError("corrupt_store", `wal/${unexplained[0] ?? ""}: belongs to no known epoch`);
  return {
    epoch,
    files,
    replaced,
    parts,
    closed: chain.closed,
    heads: chain.heads,
    lastAt: chain.at,
    ...(torn === undefined ? {} : { torn }),
  };
}

function checkFileOrder(files: readonly string[]): void {
  for (const [i, file] of files.entries()) {
    const before = files[i - 1];
    if (before !== undefined && parseWalFileName(file)?.file !== (parseWalFileName(before)?.file ?? 0) + 1) {
      throw new EvidentError("corrupt_store", `wal/: a file between ${before} and ${file} is missing`);
    }
  }
}

export type ReadPart = (part: WalPart) => Promise<Buffer>;

/** Reads parts, keeping the last file in memory: parts come in file order, and a busy hour of small records has many. */
export function partReader(storage: Storage, files: OldWal["files"]): ReadPart {
  let open: { file: string; bytes: Buffer } | undefined;
  return async ({ file, offset, sizeBytes }) => {
    if (open?.file !== file) {
      const validEnd = files.find((each) => each.file === file)?.validEnd ?? 0;
      const bytes = await storage.readWalFile(file, 0, validEnd);
      open = { file, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    }
    return open.bytes.subarray(offset, offset + sizeBytes);
  };
}
