import { EvidentError } from "@evident/core";
import { Type } from "typebox";
import { defineJsonAdapter, isObject } from "../../adapt/index.ts";
import { applyMapping } from "./apply-mapping.ts";
import type { Mapping } from "./compile-mapping.ts";
import { parseMapping } from "./parse-mapping.ts";
import type { MappingProblem } from "./place.ts";

const SHOWN_PROBLEMS = 10;

/** One problem of a mapping as a line for people. */
function formatProblem({ line, column, field, problem }: MappingProblem): string {
  const place = line === 0 ? "" : `line ${line}, column ${column}: `;
  return `${place}${field === "" ? "" : `${field}: `}${problem}`;
}

function openMapping(given: unknown): Mapping {
  const parsed = parseMapping(typeof given === "string" ? given : isObject(given) ? given : {});
  if (parsed.ok) return parsed.mapping;
  const shown = parsed.problems.slice(0, SHOWN_PROBLEMS).map(formatProblem);
  const more = parsed.problems.length > SHOWN_PROBLEMS ? [`and ${parsed.problems.length - SHOWN_PROBLEMS} more`] : [];
  throw new EvidentError("bad_request", `the mapping is wrong: ${[...shown, ...more].join("; ")}`, {
    fix: parsed.problems[0]?.fix ?? "",
  });
}

/** Anybody's JSON, read as a mapping says: docs/adapters/json.md. */
export const json = defineJsonAdapter({
  name: "json",
  title: "Anybody's JSON, read as a mapping in YAML says",
  options: Type.Object(
    {
      mapping: Type.Union([Type.String({ minLength: 1 }), Type.Record(Type.String(), Type.Unknown())], {
        description:
          "The mapping: YAML as text (mapping=@FILE on the command line) or the loaded object. See docs/adapters/json.md.",
      }),
    },
    { additionalProperties: false },
  ),
  // Nothing says of a record that a mapping fits it: this format must be named.
  recognises: () => false,
  prepare({ mapping: given }, context) {
    const mapping = openMapping(given);
    return (value) => applyMapping(mapping, value, context);
  },
});
