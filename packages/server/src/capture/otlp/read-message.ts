import { isUtf8 } from "node:buffer";
import { EvidentError } from "@evident/core";

/** What a field holds, by its name in a .proto file. */
type FieldType = "string" | "bytes" | "bool" | "int32" | "uint32" | "int64" | "fixed32" | "fixed64" | "double";

interface Field {
  readonly name: string;
  /** Messages by function, since they may hold themselves. */
  readonly type: FieldType | (() => MessageType);
  readonly repeated?: true;
}

/** A message: its fields by number. `oneof`: at most one of them is set, the last one sent. */
export interface MessageType {
  readonly fields: Readonly<Record<number, Field>>;
  readonly oneof?: true;
}

/** One field as it stands in a message: its number and where its value lies. */
export interface WireField {
  readonly number: number;
  readonly wire: number;
  /** Of a varint. */
  readonly value: bigint;
  /** Of anything else: where its bytes begin and end. */
  readonly from: number;
  readonly to: number;
}

/** Protocol Buffers' own limit is 100; values of an OTLP record that are nested deeper than 24 are refused by the adapter anyway. */
const MAX_DEPTH = 64;
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

export function malformed(problem: string): EvidentError {
  return new EvidentError("bad_request", `the body is no protobuf message of this kind: ${problem}`, {
    fix: "Send an ExportLogsServiceRequest of opentelemetry-proto, or application/json with its JSON form.",
  });
}

/** Text that is not UTF-8 stands in the message: the record that holds it cannot be read, the others can. */
export class NotUtf8 extends Error {}

interface Varint {
  readonly value: bigint;
  readonly next: number;
}

function readVarint(bytes: Uint8Array, at: number, to: number): Varint {
  let value = 0;
  // Nearly every varint of a log record has one to four bytes.
  for (let i = 0; i < 4; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined || at + i >= to) throw malformed("it ends within a number");
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return { value: BigInt(value), next: at + i + 1 };
  }
  let large = BigInt(value);
  for (let i = 4; i < 10; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined || at + i >= to) throw malformed("it ends within a number");
    large |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, large), next: at + i + 1 };
  }
  throw malformed("a number has more than ten bytes");
}

/** The fields of the message in `bytes[from, to)`, in order. @throws EvidentError `bad_request` for bytes that are no message */
export function* readFields(bytes: Uint8Array, from: number, to: number): Generator<WireField> {
  for (let at = from; at < to; ) {
    const tag = readVarint(bytes, at, to);
    const number = Number(tag.value >> 3n);
    const wire = Number(tag.value & 7n);
    if (number < 1 || number > 536_870_911) throw malformed(`it has a field ${number}`);
    at = tag.next;
    if (wire === VARINT) {
      const { value, next } = readVarint(bytes, at, to);
      yield { number, wire, value, from: at, to: next };
      at = next;
      continue;
    }
    let sizeBytes: number;
    if (wire === LENGTH) {
      const length = readVarint(bytes, at, to);
      at = length.next;
      if (length.value > BigInt(to - at)) throw malformed(`field ${number} is longer than what is left`);
      sizeBytes = Number(length.value);
    } else if (wire === FIXED64) sizeBytes = 8;
    else if (wire === FIXED32) sizeBytes = 4;
    else throw malformed(`field ${number} has the wire type ${wire}`);
    if (at + sizeBytes > to) throw malformed(`field ${number} is longer than what is left`);
    yield { number, wire, value: 0n, from: at, to: at + sizeBytes };
    at += sizeBytes;
  }
}

const wireOf: Readonly<Record<FieldType, number>> = {
  string: LENGTH,
  bytes: LENGTH,
  bool: VARINT,
  int64: VARINT,
  int32: VARINT,
  uint32: VARINT,
  fixed64: FIXED64,
  double: FIXED64,
  fixed32: FIXED32,
};

function readScalar(bytes: Uint8Array, type: FieldType, { value, from, to }: WireField): unknown {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from);
  switch (type) {
    case "string":
      if (!isUtf8(view)) throw new NotUtf8();
      return view.toString("utf8");
    case "bytes":
      return view;
    case "bool":
      return value !== 0n;
    case "int64":
      return BigInt.asIntN(64, value);
    case "int32":
      return Number(BigInt.asIntN(32, value));
    case "uint32":
      return Number(BigInt.asUintN(32, value));
    case "fixed32":
      return view.readUInt32LE();
    case "fixed64":
      return view.readBigUInt64LE();
    case "double":
      return jsonDouble(view.readDoubleLE());
  }
}

/** As in the JSON form of Protocol Buffers: JSON itself has no such numbers. */
function jsonDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/**
 * Reads the message in `bytes[from, to)` as an object with the names of its fields; fields that the table does not know are passed over.
 * 64-bit numbers are bigints. A message field that is sent twice is the last one sent, not the two merged: no known sender splits them.
 *
 * @throws EvidentError `bad_request` for bytes that are no such message, or one nested too deep
 * @throws NotUtf8 for a text that is none
 */
export function readMessage(
  bytes: Uint8Array,
  from: number,
  to: number,
  type: MessageType,
  depth = 0,
): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw malformed(`its values are nested more than ${MAX_DEPTH} deep`);
  let message: Record<string, unknown> = {};
  for (const wire of readFields(bytes, from, to)) {
    const field = type.fields[wire.number];
    if (field === undefined) continue;
    const scalar = typeof field.type === "string" ? field.type : undefined;
    if (wire.wire !== (scalar === undefined ? LENGTH : wireOf[scalar])) {
      throw malformed(`${field.name} has the wire type ${wire.wire}`);
    }
    const value =
      typeof field.type === "string"
        ? readScalar(bytes, field.type, wire)
        : readMessage(bytes, wire.from, wire.to, field.type(), depth + 1);
    if (field.repeated === true) {
      const list = message[field.name];
      if (Array.isArray(list)) list.push(value);
      else message[field.name] = [value];
    } else if (type.oneof === true) message = { [field.name]: value };
    else message[field.name] = value;
  }
  return message;
}
