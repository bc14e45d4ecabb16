import type { OtlpEncoding } from "./read-log-request.ts";

/** Longest message that is sent back, in characters. */
const MAX_MESSAGE = 1_000;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** A field with a length. */
function delimited(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function number(field: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(field * 8), varint(value)]);
}

function text(field: number, value: string): Buffer {
  return value === "" ? Buffer.alloc(0) : delimited(field, Buffer.from(value.slice(0, MAX_MESSAGE).toWellFormed()));
}

/** An ExportLogsServiceResponse. `rejected`: records that went to quarantine; without any, `partial_success` is left unset as OTLP asks. */
export function writeLogResponse(encoding: OtlpEncoding, rejected: number, message: string): Buffer {
  if (encoding === "json") {
    const partialSuccess = { rejectedLogRecords: String(rejected), errorMessage: message.slice(0, MAX_MESSAGE) };
    return Buffer.from(JSON.stringify(rejected === 0 ? {} : { partialSuccess }));
  }
  if (rejected === 0) return Buffer.alloc(0);
  return delimited(1, Buffer.concat([number(1, rejected), text(2, message)]));
}

/** A google.rpc.Status. `code` is one of google.rpc.Code. */
export function writeStatus(encoding: OtlpEncoding, code: number, message: string): Buffer {
  if (encoding === "json") return Buffer.from(JSON.stringify({ code, message: message.slice(0, MAX_MESSAGE) }));
  return Buffer.concat([number(1, code), text(2, message)]);
}
