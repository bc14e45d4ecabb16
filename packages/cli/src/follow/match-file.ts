import { firstKey } from "@evident/server";
import type { FoundFile } from "./find-files.ts";
import { digestOf, HEAD_BYTES } from "./fingerprint.ts";
import type { Generation, Mark, Position } from "./generation.ts";
import type { Body } from "./open-body.ts";

const FIRST_LINE_BYTES = 64 * 1024;
/** A copy grows faster than this. */
const COPY_MS = 1_000;
const NEWLINE = 0x0a;

/** Which content a file holds. */
export type Match =
  /** Of a generation, as far as that was read and maybe further. */
  | { readonly kind: "same"; readonly generation: Generation }
  /** Its beginning; the rest is gone, and other lines may follow. */
  | { readonly kind: "shorter"; readonly generation: Generation }
  /** Of a generation whose own file is still there. */
  | { readonly kind: "copy"; readonly generation: Generation }
  | { readonly kind: "new"; readonly firstLine: string }
  /** There is no whole line yet to tell it by. */
  | { readonly kind: "empty" }
  /** It may be the beginning of a copy that is being made. */
  | { readonly kind: "part" };

type Comparison = "same" | "shorter" | "other";

/** Compares a file with what was read of a generation. */
async function compareContent(
  body: Body,
  { head, read }: Generation,
  unpackedBytes: number | undefined,
): Promise<Comparison> {
  const start = await body.read(0, head.at);
  if (!isMarked(await filled(body, start, head.at), head)) return "other";
  if (read.at === 0) return "same";
  // The length alone is enough where reading all of it again would be needed to tell.
  if (unpackedBytes !== undefined && unpackedBytes === read.at % 2 ** 32) return "same";
  const before = await body.before(read.at);
  if (before === undefined) return "shorter";
  return digestOf(before) === read.digest ? "same" : "other";
}

/** A packed file gives its bytes in pieces. */
async function filled(body: Body, start: Buffer, size: number): Promise<Buffer> {
  let bytes = start;
  while (bytes.length < size) {
    const more = await body.read(bytes.length, size - bytes.length);
    if (more.length === 0) break;
    bytes = Buffer.concat([bytes, more]);
  }
  return bytes;
}

function isMarked(bytes: Buffer, mark: Mark): boolean {
  return bytes.length === mark.at && digestOf(bytes) === mark.digest;
}

/** What is known when a file is matched. */
export interface Known {
  /** Of the file's log. */
  readonly generations: readonly Generation[];
  /** Whether the file of a generation is there, or open here. */
  readonly isPresent: (generation: Generation) => boolean;
  /** Length of a packed file's content modulo 2^32, where it states it. */
  readonly unpackedBytes: number | undefined;
}

/** Finds out which content a file holds: by its inode if its content agrees, else by its content. */
export async function matchFile(found: FoundFile, body: Body, known: Known): Promise<Match> {
  const own = known.generations.find(({ file }) => file === found.file);
  if (own !== undefined) {
    const comparison = await compareContent(body, own, known.unpackedBytes);
    if (comparison !== "other") return { kind: comparison, generation: own };
    own.file = undefined;
  }
  for (const generation of known.generations.toReversed()) {
    if (generation === own) continue;
    const comparison = await compareContent(body, generation, known.unpackedBytes);
    if (comparison === "other") continue;
    if (!known.isPresent(generation)) return { kind: comparison, generation };
    // Nobody copies a log to where it is written; what begins like another there is another.
    if (!found.isLive) return { kind: "copy", generation };
  }
  if (known.generations.length > 0 && isMaybePart(found)) return { kind: "part" };
  const firstLine = await readFirstLine(found, body);
  return firstLine === undefined ? { kind: "empty" } : { kind: "new", firstLine: digestOf(firstLine) };
}

/** Whether it may be the beginning of a copy that is being made, too short to be known by. */
function isMaybePart({ isLive, packing, sizeBytes, mtimeMs }: FoundFile): boolean {
  return !isLive && packing === "none" && sizeBytes < HEAD_BYTES && Date.now() - mtimeMs < COPY_MS;
}

async function readFirstLine(found: FoundFile, body: Body): Promise<Buffer | undefined> {
  let bytes = await filled(body, Buffer.alloc(0), FIRST_LINE_BYTES);
  if (bytes.length === 0) return undefined;
  const text = bytes.findIndex((byte) => byte !== 0);
  bytes = bytes.subarray(Math.max(0, text));
  const end = bytes.indexOf(NEWLINE);
  if (end >= 0) return bytes.subarray(0, end);
  const isWhole = bytes.length >= FIRST_LINE_BYTES || text > 0 || !found.isLive;
  return isWhole ? bytes : undefined;
}

/** What a new generation is made from. */
export interface NewGeneration {
  readonly id: number;
  readonly host: string;
  readonly found: FoundFile;
  readonly firstLine: string;
  readonly generations: readonly Generation[];
  /** `skip`: begin behind what is there. `ignore`: never read it. */
  readonly from: "start" | "skip" | "ignore";
}

/**
 * Makes a generation of a file. Its keys begin with machine and path, so that files which begin with the same lines are told apart, and
 * stay the same when the state is lost; generations of one log with the same first line are counted. Without a machine they are those of
 * `evident ingest`.
 */
export async function makeGeneration(made: NewGeneration, body: Body): Promise<Generation> {
  const { id, host, found, firstLine, generations, from } = made;
  const count = generations.filter((each) => each.firstLine === firstLine).length;
  const isLikeIngest = host === "" && count === 0;
  const seed = isLikeIngest ? "" : `evident/follow/v1\n${host}\n${found.log}\n${count}`;
  const head = await filled(body, Buffer.alloc(0), HEAD_BYTES);
  const offset = from === "start" ? 0 : await endOf(found, body);
  const start: Position = { offset, line: 1, key: firstKey(offset === 0 ? seed : `${seed}\n${offset}`) };
  const tail = offset === 0 ? Buffer.alloc(0) : await body.before(offset);
  return {
    id,
    log: found.log,
    firstLine,
    start,
    file: found.file,
    path: found.path,
    position: start,
    head: { at: head.length, digest: digestOf(head) },
    read: { at: offset, digest: digestOf(tail ?? Buffer.alloc(0)) },
    ahead: undefined,
    cuts: [],
    isIgnored: from === "ignore",
    seenBytes: found.sizeBytes,
    seenMs: Date.now(),
  };
}

/** The end of the last whole line; of a packed file its end. */
async function endOf(found: FoundFile, body: Body): Promise<number> {
  if (body.isPacked) {
    let offset = 0;
    for (let bytes = await body.read(0, FIRST_LINE_BYTES); bytes.length > 0; ) {
      offset += bytes.length;
      bytes = await body.read(offset, FIRST_LINE_BYTES);
    }
    return offset;
  }
  for (let end = found.sizeBytes; end > 0; ) {
    const from = Math.max(0, end - FIRST_LINE_BYTES);
    const at = (await body.read(from, end - from)).lastIndexOf(NEWLINE);
    if (at >= 0) return from + at + 1;
    end = from;
  }
  return 0;
}
