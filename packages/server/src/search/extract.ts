import { type EntryLike, entryTime, fold, normalInstant, parseAddress, parseEntry, someText } from "@evident/core";
import type { BlockTerms } from "./block-terms.ts";
import { actorColumn, type ColumnValue, columnValues, resourceColumn } from "./columns.ts";
import type { HashPairs } from "./hash-pairs.ts";
import { addWordHashes, hashKey, isOneWord } from "./word-hash.ts";

/** Fields whose whole value is looked up by key; numbers are part of the stored hashes. */
export const keyFields = { "actor.id": 1, "resources.id": 2, id: 3, "trace.requestId": 4 } as const;

/** In the `ip` column, a row without an address. */
export const noAddress = 0xffff_ffff_ffff_ffffn;

const maxTime = 0x7fff_ffff_ffff_ffffn;

/** What the index keeps of one entry besides its line. */
export interface IndexedEntry {
  /** 1970 for an odd time. */
  readonly timeNs: bigint;
  /** The entry's time is none that the index can hold. */
  readonly isOdd: boolean;
  readonly values: readonly ColumnValue[];
}

let lastSecond = "";
let lastSecondMs = 0;

/**
 * Nanoseconds since 1970 of a normal time text; undefined for what is no day or hour of the calendar (a leap second),
 * and outside the years 1677 to 2262, which 64 bits do not reach.
 */
export function timeNs(text: string): bigint | undefined {
  const second = text.slice(0, 19);
  if (second !== lastSecond) {
    lastSecondMs = Date.parse(`${second}Z`);
    lastSecond = second;
  }
  if (Number.isNaN(lastSecondMs)) return undefined;
  const ns = BigInt(lastSecondMs) * 1_000_000n + BigInt(Number(text.slice(20, 29)));
  return ns > -maxTime && ns < maxTime ? ns : undefined;
}

/** Time that an entry is sorted by: occurred, else received; undefined where the index cannot hold it. */
export function entryTimeNs(entry: EntryLike): bigint | undefined {
  const instant = normalInstant(entryTime(entry) ?? "");
  return instant === undefined ? undefined : timeNs(instant);
}

/** Address as a number that sorts by network: IPv4 below 2^32, IPv6 by its upper 64 bits. */
export function addressNumber(bytes: readonly number[]): bigint {
  let value = 0n;
  for (const byte of bytes.slice(0, 8)) value = (value << 8n) | BigInt(byte);
  return value;
}

/** The number of a source's address. */
export function ipOf(value: ColumnValue): bigint {
  const bytes = typeof value === "string" ? parseAddress(value) : undefined;
  return bytes === undefined ? noAddress : addressNumber(bytes);
}

/** Where the hashes of entries go. */
export interface HashSink {
  readonly terms: BlockTerms;
  readonly keys: HashPairs;
}

function addKeys(field: number, value: ColumnValue, keys: HashPairs, row: number): void {
  if (typeof value === "string") keys.add(hashKey(field, fold(value)), row);
  else if (typeof value === "object") for (const one of value) keys.add(hashKey(field, fold(one)), row);
}

/** Identifiers of one word are found among the words; only others need a key of their own. */
function addIdentifier(field: number, value: unknown, keys: HashPairs, row: number): void {
  if (typeof value !== "string") return;
  const folded = fold(value);
  if (!isOneWord(folded)) keys.add(hashKey(field, folded), row);
}

function member(value: unknown, key: string): unknown {
  return value !== null && typeof value === "object" ? (value as EntryLike)[key] : undefined;
}

/** Adds the word and key hashes of an entry; `values` are its `columnValues`. */
function addHashes(entry: EntryLike, values: readonly ColumnValue[], sink: HashSink, row: number): void {
  someText(entry, (text) => {
    addWordHashes(text, sink.terms, row);
    return false;
  });
  addKeys(keyFields["actor.id"], values[actorColumn], sink.keys, row);
  addKeys(keyFields["resources.id"], values[resourceColumn], sink.keys, row);
  const event = entry["event"];
  addIdentifier(keyFields.id, member(event, "id"), sink.keys, row);
  addIdentifier(keyFields["trace.requestId"], member(member(event, "trace"), "requestId"), sink.keys, row);
}

/** Parses a stored line. A line that is no JSON object, which no ledger takes, is an entry without values. */
export function readEntry(line: Buffer): EntryLike {
  let entry: unknown;
  try {
    entry = parseEntry(line.toString("utf8"));
  } catch {
    return {};
  }
  return entry !== null && typeof entry === "object" && !Array.isArray(entry) ? (entry as EntryLike) : {};
}

/** What the index keeps of an entry; the hashes of its words and keys go to the sink. */
export function extractEntry(entry: EntryLike, trail: string, sink: HashSink, row: number): IndexedEntry {
  const values = columnValues(entry, trail);
  addHashes(entry, values, sink, row);
  return describeEntry(entry, values);
}

/** What the index keeps of an entry in its table of rows; `values` are its `columnValues`. */
export function describeEntry(entry: EntryLike, values: readonly ColumnValue[]): IndexedEntry {
  const ns = entryTimeNs(entry);
  return { timeNs: ns ?? 0n, isOdd: ns === undefined, values };
}
