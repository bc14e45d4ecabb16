import type { Problem } from "@evident/core";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Refusal } from "./checked-line.ts";

const Text = Type.String({ maxLength: 1_024 });
const UnreadableSchema = Type.Object(
  {
    v: Type.Literal(1),
    id: Type.String({ minLength: 1, maxLength: 256 }),
    // Filled in from the API key like that of an event.
    origin: Type.Object({ source: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })) }),
    unreadable: Type.Object(
      {
        adapter: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
        text: Type.Optional(Type.String()),
        base64: Type.Optional(Type.String()),
        line: Type.Optional(Type.Integer({ minimum: 1 })),
        sizeBytes: Type.Optional(Type.Integer({ minimum: 0 })),
        reasons: Type.Array(Type.Object({ field: Text, problem: Text, fix: Text }), { minItems: 1, maxItems: 20 }),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
const validator = Compile(UnreadableSchema);
/** Of reasons as they are stored, control characters written out: an entry has to hold them beside the names. */
const MAX_REASONS_BYTES = 32 * 1024;

/** The record's bytes; undefined when it has none, or two, or base64 that would lose some of them. */
function rawOf(text: string | undefined, base64: string | undefined): string | Uint8Array | undefined {
  if (base64 === undefined) return text;
  if (text !== undefined) return undefined;
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 ? new Uint8Array(bytes) : undefined;
}

/**
 * A record that its sender could not read (`Unreadable`), as it goes to quarantine; undefined for anything else, which is checked as an
 * event and kept whole where it is none.
 */
export function asUnreadable(value: unknown): (Omit<Refusal, "line" | "why"> & { readonly line?: number }) | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "unreadable")) return undefined;
  if (!validator.Check(value)) return undefined;
  const { id, origin, unreadable } = value;
  const { adapter, text, base64, line, sizeBytes, reasons } = unreadable;
  const raw = rawOf(text, base64);
  if (raw === undefined || Buffer.byteLength(JSON.stringify(reasons)) > MAX_REASONS_BYTES) return undefined;
  return {
    id,
    raw,
    reasons: reasons satisfies readonly Problem[],
    ...(origin.source === undefined ? {} : { source: origin.source }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(line === undefined ? {} : { line }),
    // Never less than there is: a sender's number may be wrong.
    ...(sizeBytes === undefined ? {} : { sizeBytes: Math.max(sizeBytes, Buffer.byteLength(raw)) }),
  };
}
