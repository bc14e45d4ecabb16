import { EvidentError, parseKeepingNumbers } from "@evident/core";
import { isObject } from "../adapt/index.ts";
import { flattenOtlp, flattenResourceLogs, type OtlpRecord } from "../adapters/index.ts";
import { type BodyLine, CHUNK_LINES } from "../body-line.ts";
import { logRecordType, resourceType, scopeType } from "./log-messages.ts";
import { type MessageType, malformed, NotUtf8, readFields, readMessage } from "./read-message.ts";

/** How an OTLP body is encoded. */
export type OtlpEncoding = "protobuf" | "json";

/** Fields of ExportLogsServiceRequest, ResourceLogs and ScopeLogs. */
const RESOURCE_LOGS = 1;
const RESOURCE = 1;
const SCOPE_LOGS = 2;
const SCOPE = 1;
const LOG_RECORDS = 2;
const SCHEMA_URL = 3;
const LENGTH_WIRE = 2;
/** Of a request in JSON: a value nested as deep as the adapter reads takes four levels each. */
const MAX_JSON_DEPTH = 128;

interface Slice {
  readonly from: number;
  readonly to: number;
}

/** Parts of one group that are held at once: an empty record takes two bytes in the body, and fifty times that in memory. */
const MAX_PARTS = 200_000;

/** A group of records that stand together. */
interface Group {
  readonly resource: Record<string, unknown>;
  readonly schemaUrl: string | undefined;
  readonly scope: Record<string, unknown>;
  readonly scopeSchemaUrl: string | undefined;
  readonly records: readonly Slice[];
}

/** A request that was checked as a whole. */
export interface LogRequest {
  /** Whether every record says when it happened or was observed: then the same bytes are the same records, sent again. */
  readonly isTimed: boolean;
  /** The records in the form that the adapter `otel` reads, one JSON text each; one whose text is not UTF-8 with its bytes. */
  chunks(): Iterable<readonly BodyLine[]>;
}

/**
 * Reads an ExportLogsServiceRequest (opentelemetry-proto). All of it is checked first, so that a damaged one stores nothing; from
 * protobuf the records are then made a chunk at a time, so that a small body cannot become a hundred times its size.
 *
 * @throws EvidentError `bad_request` for what is no such request, `too_large` for more than 200,000 records in one group
 */
export function readLogRequest(body: Uint8Array, encoding: OtlpEncoding): LogRequest {
  return encoding === "json" ? readJson(body) : readProtobuf(body);
}

function readProtobuf(body: Uint8Array): LogRequest {
  let isTimed = true;
  const check = (slice: Slice): void => {
    if (!hasTime(readRecord(body, slice))) isTimed = false;
  };
  for (const _ of groupsOf(body, check));
  return { isTimed, chunks: () => recordChunks(body) };
}

function* recordChunks(body: Uint8Array): Generator<readonly BodyLine[]> {
  let line = 1;
  for (const group of groupsOf(body, () => undefined)) {
    for (let at = 0; at < group.records.length; at += CHUNK_LINES) {
      const lines = linesOf(body, group, group.records.slice(at, at + CHUNK_LINES), line);
      line += lines.length;
      yield lines;
    }
  }
}

function readJson(body: Uint8Array): LogRequest {
  const records = parseRequest(Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8"));
  const lineOf = (record: OtlpRecord, i: number): BodyLine => ({
    kind: "text",
    line: i + 1,
    text: JSON.stringify(record),
  });
  return {
    isTimed: records.every(({ logRecord }) => hasTime(logRecord)),
    *chunks() {
      for (let at = 0; at < records.length; at += CHUNK_LINES) {
        yield records.slice(at, at + CHUNK_LINES).map((record, i) => lineOf(record, at + i));
      }
    },
  };
}

function parseRequest(text: string): readonly OtlpRecord[] {
  const fix = "Send an ExportLogsServiceRequest in its JSON form.";
  let value: unknown;
  try {
    if (isDeep(text))
      throw new EvidentError("bad_request", `the body is nested more than ${MAX_JSON_DEPTH} deep`, { fix });
    value = parseKeepingNumbers(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new EvidentError("bad_request", `the body is not JSON: ${cause.message.slice(0, 120).toWellFormed()}`, {
      fix,
    });
  }
  const records = flattenOtlp(value);
  if (records === undefined) throw new EvidentError("bad_request", "the body has no list resourceLogs", { fix });
  return records;
}

/** Whether brackets outside texts stand deeper than allowed; what is no JSON is found by the parser. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfText(text, at);
    else if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > MAX_JSON_DEPTH) return true;
  }
  return false;
}

/** Where the text that begins at `at` ends: its quotation mark, or the end of all. */
function endOfText(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - escapes - 1] === "\\") escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

function hasTime(logRecord: unknown): boolean {
  if (!isObject(logRecord)) return false;
  const { timeUnixNano = 0n, observedTimeUnixNano = 0n } = logRecord;
  return timeUnixNano !== 0n || observedTimeUnixNano !== 0n;
}

/** Undefined when a text of the record is not UTF-8. */
function readRecord(body: Uint8Array, { from, to }: Slice): Record<string, unknown> | undefined {
  try {
    return readMessage(body, from, to, logRecordType);
  } catch (cause) {
    if (cause instanceof NotUtf8) return undefined;
    throw cause;
  }
}

function linesOf(body: Uint8Array, group: Group, slices: readonly Slice[], first: number): readonly BodyLine[] {
  const read = slices.map((slice) => readRecord(body, slice));
  const { resource, schemaUrl, scope, scopeSchemaUrl } = group;
  const logRecords = read.filter((record) => record !== undefined);
  const scopeLogs = [{ scope, schemaUrl: scopeSchemaUrl, logRecords }];
  const flat = flattenResourceLogs({ resource, schemaUrl, scopeLogs })[Symbol.iterator]();
  return read.map((record, i): BodyLine => {
    const line = first + i;
    if (record !== undefined) return { kind: "text", line, text: JSON.stringify(flat.next().value) };
    const { from = 0, to = 0 } = slices[i] ?? {};
    return { kind: "invalid_utf8", line, bytes: body.slice(from, to), sizeBytes: to - from };
  });
}

/** The groups of a request; `onRecord` hears of every record before its group comes. */
function* groupsOf(body: Uint8Array, onRecord: (slice: Slice) => void): Generator<Group> {
  // Groups are read one by one, so any number of them will do.
  for (const [number, slice] of messagesOf(body, { from: 0, to: body.length }, Number.POSITIVE_INFINITY)) {
    if (number !== RESOURCE_LOGS) continue;
    // Fields may stand in any order: what all records share is read first.
    const parts = [...messagesOf(body, slice)];
    const resource = readShared(body, parts, RESOURCE, resourceType);
    const schemaUrl = readText(body, parts);
    for (const [inner, scopeLogs] of parts) {
      if (inner !== SCOPE_LOGS) continue;
      const records: Slice[] = [];
      const others: (readonly [number, Slice])[] = [];
      for (const part of messagesOf(body, scopeLogs)) {
        if (part[0] !== LOG_RECORDS) {
          others.push(part);
          continue;
        }
        onRecord(part[1]);
        records.push(part[1]);
      }
      const scope = readShared(body, others, SCOPE, scopeType);
      yield { resource, schemaUrl, scope, scopeSchemaUrl: readText(body, others), records };
    }
  }
}

/** Fields that have a length: messages and texts. @throws EvidentError `too_large` for more than anybody sends */
function* messagesOf(body: Uint8Array, { from, to }: Slice, most = MAX_PARTS): Generator<readonly [number, Slice]> {
  let count = 0;
  for (const field of readFields(body, from, to)) {
    count += 1;
    if (count > most) {
      const fix = "Send smaller batches; collectors send some thousand records.";
      throw new EvidentError("too_large", `more than ${most} records stand together`, { fix });
    }
    if (field.wire === LENGTH_WIRE) yield [field.number, { from: field.from, to: field.to }];
    else if (field.number <= SCHEMA_URL) throw malformed(`field ${field.number} has the wire type ${field.wire}`);
  }
}

function readShared(
  body: Uint8Array,
  parts: readonly (readonly [number, Slice])[],
  wanted: number,
  type: MessageType,
): Record<string, unknown> {
  const found = parts.findLast(([number]) => number === wanted)?.[1];
  if (found === undefined) return {};
  try {
    return readMessage(body, found.from, found.to, type);
  } catch (cause) {
    if (cause instanceof NotUtf8) throw malformed("a text of a resource or scope is not UTF-8");
    throw cause;
  }
}

function readText(body: Uint8Array, parts: readonly (readonly [number, Slice])[]): string | undefined {
  const found = parts.findLast(([number]) => number === SCHEMA_URL)?.[1];
  return found === undefined ? undefined : Buffer.from(body.subarray(found.from, found.to)).toString("utf8");
}
