import { type TSchema, Type } from "typebox";
import { ProblemSchema } from "../problems/index.ts";

const problem = {
  description: "Problem document.",
  content: { "application/problem+json": { schema: ProblemSchema } },
};

/** The refusals that any route may answer with, for the OpenAPI document. */
export const refusals = { "4xx": problem, "5xx": problem } as const;

/** An answer with a body that is not JSON. */
export function answerOf(description: string, contentType: string, schema: TSchema = Type.String()): object {
  return { description, content: { [contentType]: { schema } } };
}

export const TrailName = Type.String({
  description: "Trail: 1 to 63 characters a-z, 0-9 and -, beginning with a letter.",
  pattern: "^[a-z][a-z0-9-]{0,62}$",
  examples: ["main"],
});

export const TrailParams = Type.Object({ trail: TrailName }, { additionalProperties: false });

export const QueryText = Type.String({
  description:
    "Search language: `field:value`, `field:>=v`, `field:[a TO b]`, `*`, quotes, and, or, not, parentheses, relative times " +
    "(`time:>-24h`), CIDR on `source.ip`, free text.",
  maxLength: 4096,
  examples: ['actor.id:alice outcome.status:denied time:>-24h "drop table"'],
});

export const TrailsQuery = Type.Array(TrailName, {
  description: "Only these trails; repeat the parameter. Absent: every trail that the key sees, but the system's own.",
  maxItems: 64,
});

export const EntrySchema = Type.Object(
  {},
  { additionalProperties: true, description: "The stored entry, see /schema/event.json." },
);

export const HitSchema = Type.Object({
  trail: Type.String({ description: "Trail that holds the entry." }),
  index: Type.Integer({ description: "Its index there, from 0." }),
  entry: EntrySchema,
});

export const IndexedSchema = Type.Record(Type.String(), Type.Integer(), {
  description: "Per trail: entries at or above this index were not searched yet.",
});
