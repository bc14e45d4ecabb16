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

/** A record that its sender could not read (`Unreadable`), as it goes to quarantine; undefined for anything else. */
export function asUnreadable(value: unknown): (Omit<Refusal, "line" | "why"> & { readonly line?: number }) | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "unreadable")) return undefined;
  if (!validator.Check(value)) return undefined;
  const { id, origin, unreadable } = value;
  const { adapter, text, base64, line, sizeBytes, reasons } = unreadable;
  const raw = text ?? new Uint8Array(Buffer.from(base64 ?? "", "base64"));
  return {
    id,
    raw,
    reasons: reasons satisfies readonly Problem[],
    ...(origin.source === undefined ? {} : { source: origin.source }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(line === undefined ? {} : { line }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
}
