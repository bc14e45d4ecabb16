import { isObject, type JsonObject, toText } from "../adapt/index.ts";

/**
 * One log record of an OTLP request with what it stood in, every attribute list turned into an object and every value into plain JSON:
 * the form that the adapter `otel` reads.
 */
export interface OtlpRecord {
  /** Members: `attributes`, `schemaUrl`. */
  readonly resource: JsonObject;
  /** Members: `name`, `version`, `attributes`, `schemaUrl`. */
  readonly scope: JsonObject;
  /**
   * Members: `timeUnixNano`, `observedTimeUnixNano` (decimal text), `severityNumber`, `severityText`, `body`, `attributes`, `traceId`,
   * `spanId` (hex), `flags`, `eventName`, `droppedAttributesCount`. What was no object in the request stands here as it was.
   */
  readonly logRecord: unknown;
}

/** Values nested deeper than this are left as they were sent: the record is refused where it is read. */
const MAX_DEPTH = 24;

/** A member under its name in camelCase or in snake_case: protojson allows both. */
function member(value: JsonObject, camel: string, snake: string): unknown {
  if (Object.hasOwn(value, camel)) return value[camel];
  return Object.hasOwn(value, snake) ? value[snake] : undefined;
}

/** A 64-bit number as decimal text: protojson writes a string, some senders a number, a protobuf decoder a bigint. 0 means absent. */
function int64(value: unknown): string | undefined {
  const text = typeof value === "bigint" ? value.toString() : toText(value);
  return text === "0" ? undefined : text;
}

/** A trace or span id as hex: OTLP/JSON sends hex, plain protojson base64, a protobuf decoder bytes. Zeroes mean absent. */
function hexId(value: unknown, sizeBytes: number): string | undefined {
  const hex = value instanceof Uint8Array ? Buffer.from(value).toString("hex") : textToHex(toText(value), sizeBytes);
  return hex === undefined || /^0*$/.test(hex) ? undefined : hex;
}

function textToHex(text: string | undefined, sizeBytes: number): string | undefined {
  if (text === undefined) return undefined;
  if (text.length === sizeBytes * 2 && /^[0-9a-fA-F]+$/.test(text)) return text.toLowerCase();
  const bytes = /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : undefined;
  return bytes?.length === sizeBytes ? bytes.toString("hex") : text;
}

function isSafeInteger(text: string): boolean {
  return /^-?\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text));
}

/** An AnyValue as plain JSON; bytes stay base64. A value that is none of the kinds is left as it is. */
function anyValue(value: unknown, depth: number): unknown {
  if (!isObject(value) || depth > MAX_DEPTH) return value;
  const text = member(value, "stringValue", "string_value");
  if (text !== undefined) return text;
  const isTrue = member(value, "boolValue", "bool_value");
  if (isTrue !== undefined) return isTrue;
  const integer = member(value, "intValue", "int_value");
  if (integer !== undefined) {
    const digits = typeof integer === "bigint" ? integer.toString() : toText(integer);
    return digits !== undefined && isSafeInteger(digits) ? Number(digits) : digits;
  }
  const double = member(value, "doubleValue", "double_value");
  if (double !== undefined) return double;
  const list = member(value, "arrayValue", "array_value");
  if (isObject(list)) return arrayOf(list["values"]).map((item) => anyValue(item, depth + 1));
  const members = member(value, "kvlistValue", "kvlist_value");
  if (isObject(members)) return keyValues(members["values"], depth + 1);
  const bytes = member(value, "bytesValue", "bytes_value");
  if (bytes !== undefined) return bytes instanceof Uint8Array ? Buffer.from(bytes).toString("base64") : bytes;
  // The empty AnyValue stands for null; anything else is plain JSON already.
  return Object.keys(value).length === 0 ? null : value;
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** Attributes as an object. Keys must be unique (OTLP); all values of one that is not are kept, as an array. */
function keyValues(value: unknown, depth = 0): JsonObject {
  if (isObject(value)) return value;
  const found = new Map<string, unknown>();
  const repeated = new Set<string>();
  for (const item of arrayOf(value)) {
    if (!isObject(item)) continue;
    const key = toText(item["key"]);
    if (key === undefined) continue;
    const plain = anyValue(item["value"], depth);
    const before = found.get(key);
    if (repeated.has(key) && Array.isArray(before)) before.push(plain);
    else if (found.has(key)) {
      found.set(key, [before, plain]);
      repeated.add(key);
    } else found.set(key, plain);
  }
  // Not by assignment: a key may be `__proto__`.
  return Object.fromEntries(found);
}

function present(members: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== ""));
}

function readLogRecord(value: unknown): unknown {
  if (!isObject(value)) return value;
  const body = value["body"];
  return present({
    timeUnixNano: int64(member(value, "timeUnixNano", "time_unix_nano")),
    observedTimeUnixNano: int64(member(value, "observedTimeUnixNano", "observed_time_unix_nano")),
    severityNumber: member(value, "severityNumber", "severity_number"),
    severityText: member(value, "severityText", "severity_text"),
    eventName: member(value, "eventName", "event_name"),
    body: body === undefined ? undefined : anyValue(body, 0),
    attributes: keyValues(value["attributes"]),
    droppedAttributesCount: member(value, "droppedAttributesCount", "dropped_attributes_count"),
    flags: value["flags"],
    traceId: hexId(member(value, "traceId", "trace_id"), 16),
    spanId: hexId(member(value, "spanId", "span_id"), 8),
  });
}

/** Brings a record that may still hold attribute lists into its flat form; one that is flat stays as it is. */
export function flattenRecord(resource: unknown, scope: unknown, logRecord: unknown): OtlpRecord {
  return {
    resource: isObject(resource) ? { ...resource, attributes: keyValues(resource["attributes"]) } : {},
    scope: isObject(scope) ? { ...scope, attributes: keyValues(scope["attributes"]) } : {},
    logRecord: readLogRecord(logRecord),
  };
}

/** The log records of one element of `resourceLogs`. */
export function flattenResourceLogs(value: unknown): readonly OtlpRecord[] {
  if (!isObject(value)) return [{ resource: {}, scope: {}, logRecord: value }];
  const records: OtlpRecord[] = [];
  const resource = withSchema(value["resource"], value);
  for (const scopeLogs of arrayOf(member(value, "scopeLogs", "scope_logs"))) {
    if (!isObject(scopeLogs)) {
      records.push({ resource, scope: {}, logRecord: scopeLogs });
      continue;
    }
    const scope = withSchema(scopeLogs["scope"], scopeLogs);
    for (const logRecord of arrayOf(member(scopeLogs, "logRecords", "log_records"))) {
      records.push({ resource, scope, logRecord: readLogRecord(logRecord) });
    }
  }
  return records;
}

function withSchema(value: unknown, around: JsonObject): JsonObject {
  const plain = isObject(value) ? value : {};
  const schemaUrl = member(around, "schemaUrl", "schema_url");
  return present({ ...plain, attributes: keyValues(plain["attributes"]), schemaUrl });
}

/**
 * The log records of an `ExportLogsServiceRequest` in protojson (camelCase or snake_case; ids in hex, base64 or bytes; 64-bit numbers as
 * text, numbers or bigints), in order. Members that OTLP does not know are ignored, as it asks for; what should be a log record and is no
 * object comes out as it is, so that the adapter says what is wrong with it.
 *
 * @returns undefined when the value is no such request: no object, or its `resourceLogs` no array
 */
export function flattenOtlp(value: unknown): readonly OtlpRecord[] | undefined {
  if (!isObject(value)) return undefined;
  const all = member(value, "resourceLogs", "resource_logs") ?? [];
  return Array.isArray(all) ? all.flatMap(flattenResourceLogs) : undefined;
}
