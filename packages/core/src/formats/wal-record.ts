import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { ed25519Verify, sha256 } from "../crypto/index.ts";
import { concatBytes, fromUtf8, utf8 } from "../encoding/index.ts";
import { EvidentError } from "../errors/index.ts";

const HashText = Type.String({ pattern: "^[A-Za-z0-9+/]{43}=$" });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const TrailName = Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" });
const closed = { additionalProperties: false } as const;

/** Header of a record in the write-ahead log; hashes in base64. */
export const WalHeaderSchema = Type.Object(
  {
    v: Type.Literal(1),
    /** Run of the writer, counted from 1. */
    epoch: Count,
    /** Number of the record within the epoch, across files. */
    seq: Count,
    /** Digest of the record before it; 32 zero bytes in the first of an epoch. */
    prev: HashText,
    at: Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z$" }),
    /** For each trail with entries in this record: the root after them. */
    trails: Type.Array(
      Type.Object({ trail: TrailName, first: Count, count: Type.Integer({ minimum: 1 }), root: HashText }, closed),
    ),
    /** Files of an earlier epoch that this one replaces, as they were found. */
    recovered: Type.Optional(
      Type.Array(
        Type.Object(
          { file: Type.String({ pattern: "^\\d{8}-\\d{8}$" }), sizeBytes: Count, validEnd: Count, sha256: HashText },
          closed,
        ),
      ),
    ),
    /** A clean stop: the last record there is. */
    close: Type.Optional(Type.Literal(true)),
    /** Published head of every trail, in the closing record. */
    heads: Type.Optional(Type.Array(Type.Object({ trail: TrailName, size: Count, root: HashText }, closed))),
  },
  closed,
);

/** Header of a record in the write-ahead log. */
export type WalHeader = DeepReadonly<Type.Static<typeof WalHeaderSchema>>;

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** A record found in the log. Offsets count from the start of the bytes that were read. */
export interface WalRecord {
  readonly kind: "record";
  readonly header: WalHeader;
  /** For each trail of the header in order: count × (u16 length, entry). Shares the memory it was read from. */
  readonly body: Uint8Array;
  readonly bodyOffset: number;
  readonly end: number;
  /** `prev` of the next record. */
  readonly digest: Uint8Array;
}

/** What lies at an offset of a file of the log. */
export type WalItem =
  | WalRecord
  | { readonly kind: "invalid"; readonly why: "short" | "magic" | "length" | "header" | "body" | "signature" }
  | { readonly kind: "end" };

/** All records of one file. `tail` tells what follows `validEnd`: nothing, zeros only, one unfinished record, or anything else. */
export interface WalScan {
  readonly records: readonly WalRecord[];
  readonly validEnd: number;
  readonly tail: "clean" | "zeros" | "torn" | "corrupt";
  readonly closed: boolean;
}

/** Limits and fixed lengths of a record, in bytes. */
export const walSizes = { prefix: 16, header: 1 << 20, body: 64 << 20, signature: 64, sector: 512 } as const;

const magic = Uint8Array.of(0x45, 0x56, 0x57, 0x41, 0x4c, 0x00, 0x00, 0x01);
const signedPrefix = utf8("evident/wal-record/v1\n");
const checkHeader = Compile(WalHeaderSchema);

/** Name of a file of the log below `wal/`: epoch and number of the file within it, eight digits each. */
export function walFileName(epoch: number, file: number): string {
  return `${String(epoch).padStart(8, "0")}-${String(file).padStart(8, "0")}`;
}

/** Epoch and number of a log file's name; undefined for any other name. */
export function parseWalFileName(name: string): { readonly epoch: number; readonly file: number } | undefined {
  return /^\d{8}-\d{8}$/.test(name) ? { epoch: Number(name.slice(0, 8)), file: Number(name.slice(9)) } : undefined;
}

/**
 * Builds a record.
 *
 * @param body parts that together hold, for each trail of the header in order, count × (u16 length, entry); copied once
 * @param sign Ed25519 signature by the WAL key over the message it is given
 * @returns the bytes, where the body begins in them, and the digest that the next record names
 * @throws EvidentError `bad_encoding` for a header over 1 MiB or a body over 64 MiB
 */
export function encodeWalRecord(
  header: WalHeader,
  body: readonly Uint8Array[],
  sign: (message: Uint8Array) => Uint8Array,
): { readonly bytes: Uint8Array; readonly bodyOffset: number; readonly digest: Uint8Array } {
  const headerBytes = utf8(JSON.stringify(header));
  const bodyBytes = body.reduce((sum, part) => sum + part.length, 0);
  if (headerBytes.length > walSizes.header || bodyBytes > walSizes.body) {
    throw new EvidentError("bad_encoding", `a record of ${headerBytes.length} + ${bodyBytes} bytes is over the limit`);
  }
  const bodyOffset = walSizes.prefix + headerBytes.length;
  const signedEnd = bodyOffset + bodyBytes;
  const bytes = new Uint8Array(signedEnd + walSizes.signature);
  bytes.set(magic);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, headerBytes.length);
  view.setUint32(12, bodyBytes);
  bytes.set(headerBytes, walSizes.prefix);
  let offset = bodyOffset;
  for (const part of body) {
    bytes.set(part, offset);
    offset += part.length;
  }
  const content = sha256(bytes.subarray(0, signedEnd));
  const signature = sign(concatBytes(signedPrefix, content));
  bytes.set(signature, signedEnd);
  return { bytes, bodyOffset, digest: sha256(concatBytes(content, signature)) };
}

/**
 * Reads the record at `offset`. Without `publicKey` the signature is not checked.
 * "end" means that nothing but zeros follows, or nothing at all.
 */
export function decodeWalRecord(bytes: Uint8Array, offset: number, publicKey?: Uint8Array): WalItem {
  if (isZero(bytes, offset, bytes.length)) return { kind: "end" };
  const extent = recordExtent(bytes, offset);
  if (typeof extent === "string") return { kind: "invalid", why: extent };
  if (extent.end > bytes.length) return { kind: "invalid", why: "short" };
  const { bodyOffset, signedEnd, end } = extent;
  const header = parseHeader(bytes.subarray(offset + walSizes.prefix, bodyOffset));
  if (header === undefined) return { kind: "invalid", why: "header" };
  const body = bytes.subarray(bodyOffset, signedEnd);
  if (!bodyFits(header, body)) return { kind: "invalid", why: "body" };
  const content = sha256(bytes.subarray(offset, signedEnd));
  const signature = bytes.subarray(signedEnd, end);
  if (publicKey !== undefined && !ed25519Verify(publicKey, concatBytes(signedPrefix, content), signature)) {
    return { kind: "invalid", why: "signature" };
  }
  return { kind: "record", header, body, bodyOffset, end, digest: sha256(concatBytes(content, signature)) };
}

/** Where the record at `offset` would end by its own lengths; undefined when its first 16 bytes are not those of a record. */
export function walRecordEnd(bytes: Uint8Array, offset: number): number | undefined {
  const extent = recordExtent(bytes, offset);
  return typeof extent === "string" ? undefined : extent.end;
}

/** The entries of a record, trail by trail; they share its memory. */
export function walEntries(
  record: WalRecord,
): { readonly trail: string; readonly first: number; readonly entries: readonly Uint8Array[] }[] {
  let offset = 0;
  return record.header.trails.map(({ trail, first, count }) => {
    const entries: Uint8Array[] = [];
    for (let i = 0; i < count; i += 1) {
      const end = entryEnd(record.body, offset);
      entries.push(record.body.subarray(offset + 2, end));
      offset = end;
    }
    return { trail, first, entries };
  });
}

/**
 * Reads a file of the log, whole or from a record on. Records after an invalid one are looked for: their presence makes the tail
 * `corrupt`, since a crash can only leave the last record unfinished.
 *
 * @param from where the first record begins; `bytes` itself must begin at a sector of the file, since sectors are lost whole
 */
export function scanWal(bytes: Uint8Array, publicKey?: Uint8Array, from = 0): WalScan {
  const records: WalRecord[] = [];
  let offset = from;
  let item = decodeWalRecord(bytes, offset, publicKey);
  while (item.kind === "record") {
    records.push(item);
    offset = item.end;
    item = decodeWalRecord(bytes, offset, publicKey);
  }
  const closed = records.at(-1)?.header.close === true;
  if (item.kind === "end")
    return { records, validEnd: offset, tail: offset === bytes.length ? "clean" : "zeros", closed };
  return { records, validEnd: offset, tail: isTorn(bytes, offset, publicKey) ? "torn" : "corrupt", closed };
}

/** Whether a crash while one record was being written can have left what follows `offset`. */
function isTorn(bytes: Uint8Array, offset: number, publicKey: Uint8Array | undefined): boolean {
  // Its own lengths come first, but they may be half of what was written: the prefix can lie across two sectors.
  const ends = [walRecordEnd(bytes, offset), tornEndWithoutPrefix(bytes, offset)];
  const isLast = ends.some((end) => end !== undefined && isZero(bytes, end, bytes.length));
  return isLast && findWalRecord(bytes, offset + 1, publicKey) === undefined;
}

/**
 * The latest possible end of a record whose first bytes, or the rest of its prefix, never reached the disk. Sectors are written whole
 * in any order, so the unreadable prefix must be the last there is, or be zero in one of its sectors.
 */
function tornEndWithoutPrefix(bytes: Uint8Array, offset: number): number | undefined {
  const prefixEnd = offset + walSizes.prefix;
  if (isZero(bytes, prefixEnd, bytes.length)) return Math.min(prefixEnd, bytes.length);
  const sectorEnd = Math.ceil((offset + 1) / walSizes.sector) * walSizes.sector;
  const firstSectorLost = isZero(bytes, offset, sectorEnd);
  const secondSectorLost = sectorEnd < prefixEnd && isZero(bytes, sectorEnd, sectorEnd + walSizes.sector);
  if (!firstSectorLost && !secondSectorLost) return undefined;
  return offset + walSizes.prefix + walSizes.header + walSizes.body + walSizes.signature;
}

/** Offset of the first valid record that begins at or after `from`. */
export function findWalRecord(bytes: Uint8Array, from: number, publicKey?: Uint8Array): number | undefined {
  for (let at = bytes.indexOf(magic[0] ?? 0, from); at >= 0; at = bytes.indexOf(magic[0] ?? 0, at + 1)) {
    if (bytes[at + 1] !== magic[1] || typeof recordExtent(bytes, at) === "string") continue;
    if (decodeWalRecord(bytes, at, publicKey).kind === "record") return at;
  }
  return undefined;
}

function startsWithMagic(bytes: Uint8Array, offset: number): boolean {
  const length = Math.min(magic.length, bytes.length - offset);
  for (let i = 0; i < length; i += 1) if (bytes[offset + i] !== magic[i]) return false;
  return true;
}

function recordExtent(
  bytes: Uint8Array,
  offset: number,
): "short" | "magic" | "length" | { readonly bodyOffset: number; readonly signedEnd: number; readonly end: number } {
  if (!startsWithMagic(bytes, offset)) return "magic";
  if (offset + walSizes.prefix > bytes.length) return "short";
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, walSizes.prefix);
  const [headerBytes, bodyBytes] = [view.getUint32(8), view.getUint32(12)];
  if (headerBytes > walSizes.header || bodyBytes > walSizes.body) return "length";
  const bodyOffset = offset + walSizes.prefix + headerBytes;
  const signedEnd = bodyOffset + bodyBytes;
  return { bodyOffset, signedEnd, end: signedEnd + walSizes.signature };
}

function parseHeader(bytes: Uint8Array): WalHeader | undefined {
  if (bytes[0] !== 0x7b) return undefined;
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes));
    return checkHeader.Check(value) ? value : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof EvidentError) return undefined;
    throw cause;
  }
}

function entryEnd(body: Uint8Array, offset: number): number {
  return offset + 2 + (((body[offset] ?? 0) << 8) | (body[offset + 1] ?? 0));
}

function bodyFits(header: WalHeader, body: Uint8Array): boolean {
  let offset = 0;
  for (const { count } of header.trails) {
    for (let i = 0; i < count; i += 1) {
      if (offset + 2 > body.length) return false;
      offset = entryEnd(body, offset);
    }
  }
  return offset === body.length;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  const end = Math.min(to, bytes.length);
  for (let i = from; i < end; i += 1) if (bytes[i] !== 0) return false;
  return true;
}
