import { join } from "node:path";
import {
  decodeWalRecord,
  EvidentError,
  findWalRecord,
  fromUtf8,
  parseVerifierKey,
  parseWalFileName,
  readStatement,
  walEntries,
} from "@evident/core";
import { fileSize, listFiles } from "./list-files.ts";
import { readPiece } from "./run-task.ts";
import type { FoundStatement } from "./tasks.ts";

const PEEK_BYTES = 16 << 20;
/** A store states its keys among its first entries. */
const FIRST_ENTRIES = 64;

/**
 * The public key that signs the log, as `evident` states it: among its sealed entries, else among those at the beginning of the log.
 * Taken on trust here; it is confirmed when the entries of `evident` are found under their signed root.
 */
export function findWalKey(dataDir: string, sealed: readonly FoundStatement[]): Uint8Array | undefined {
  for (const { statement } of sealed) {
    if (statement?.type === "signing_key.created" && statement.use === "wal") return publicKeyOf(statement.key);
  }
  const key = peekKey(dataDir);
  return key === undefined ? undefined : publicKeyOf(key);
}

function publicKeyOf(key: string): Uint8Array | undefined {
  try {
    return parseVerifierKey(key).publicKey;
  } catch (cause) {
    if (cause instanceof EvidentError) return undefined;
    throw cause;
  }
}

function peekKey(dataDir: string): string | undefined {
  const newest = [...listFiles(dataDir, "wal")]
    .map(({ path }) => ({ path, parsed: parseWalFileName(path.slice("wal/".length)) }))
    .filter(({ parsed }) => parsed !== undefined);
  const epoch = newest.reduce((found, { parsed }) => Math.max(found, parsed?.epoch ?? 0), 0);
  const first = newest.find(({ parsed }) => parsed?.epoch === epoch);
  if (first === undefined) return undefined;
  const path = join(dataDir, first.path);
  const bytes = readPiece(path, 0, Math.min(PEEK_BYTES, fileSize(path) ?? 0));
  for (let at = findWalRecord(bytes, 0); at !== undefined; ) {
    const record = decodeWalRecord(bytes, at);
    if (record.kind !== "record") return undefined;
    for (const part of walEntries(record)) {
      if (part.trail !== "evident") continue;
      if (part.first > FIRST_ENTRIES) return undefined;
      for (const line of part.entries) {
        const key = walKeyIn(line);
        if (key !== undefined) return key;
      }
    }
    at = decodeWalRecord(bytes, record.end).kind === "record" ? record.end : findWalRecord(bytes, record.end);
  }
  return undefined;
}

function walKeyIn(line: Uint8Array): string | undefined {
  try {
    const entry: unknown = JSON.parse(fromUtf8(line));
    if (typeof entry !== "object" || entry === null || !("statement" in entry)) return undefined;
    const read = readStatement(entry.statement);
    if (read.kind !== "known" || read.statement.type !== "signing_key.created") return undefined;
    return read.statement.use === "wal" ? read.statement.key : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof EvidentError) return undefined;
    throw cause;
  }
}
