import { nearestName } from "@evident/core";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { type FieldProblem, FieldsError } from "./problem.ts";

const MAX_PROBLEMS = 20;
const MAX_NAME = 80;

/** Words for the part of a request that a schema describes. */
const partNames: Readonly<Record<string, string>> = {
  querystring: "query",
  params: "path",
  headers: "headers",
  body: "body",
};

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, { readonly type?: string; readonly default?: unknown }>>;
}

/** What a schema makes of one part of a request. */
export type CheckedPart = { readonly value: unknown } | { readonly error: FieldsError };

function listOf(params: object, name: string): readonly string[] {
  const value: unknown = Object.entries(params).find(([key]) => key === name)?.[1];
  return Array.isArray(value) ? value.map((each) => String(each).slice(0, MAX_NAME)) : [];
}

function describe(error: SchemaError, part: string, known: readonly string[]): readonly FieldProblem[] {
  const field = error.instancePath.replace(/^\//, "").replaceAll("/", ".");
  const inside = (name: string): string => (field === "" ? name : `${field}.${name}`);
  if (error.keyword === "additionalProperties") {
    return listOf(error.params, "additionalProperties").map((name) => {
      const nearest = field === "" ? nearestName(name, known) : undefined;
      const others = field === "" && known.length > 0 ? ` Known are ${known.join(", ")}.` : "";
      const fix = nearest === undefined ? `Leave it out.${others}` : `Did you mean ${nearest}?`;
      return { field: inside(name), problem: `is not known in the ${part}`, fix };
    });
  }
  if (error.keyword === "required") {
    return listOf(error.params, "requiredProperties").map((name) => ({
      field: inside(name),
      problem: "is missing",
      fix: "Add it.",
    }));
  }
  if (error.keyword === "enum") {
    const fix = `Give one of ${listOf(error.params, "allowedValues").join(", ")}.`;
    return [{ field, problem: "is none of the allowed values", fix }];
  }
  // The branches of a union: `additionalProperties` has named the member already.
  if (error.keyword === "boolean" || error.keyword === "anyOf") return [];
  return [{ field, problem: error.message, fix: `${error.message.replace(/^must/, "It must")}.` }];
}

/** Texts of queries and paths as the types of their schema; what does not fit stays text and is named by the check. */
function fromTexts(schema: ObjectSchema, given: unknown): unknown {
  if (typeof given !== "object" || given === null) return given;
  const value: Record<string, unknown> = { ...given };
  for (const [name, { type, default: fallback }] of Object.entries(schema.properties ?? {})) {
    const text = value[name];
    if (text === undefined) {
      if (fallback !== undefined) value[name] = fallback;
    } else if (type === "array" && !Array.isArray(text)) value[name] = [text];
    else if (typeof text !== "string") continue;
    else if (type === "integer" && /^-?\d{1,15}$/.test(text)) value[name] = Number(text);
    else if (type === "boolean" && (text === "true" || text === "false")) value[name] = text === "true";
  }
  return value;
}

/** Compiles the check of one part of a request. Bodies are taken as they are; queries and paths are texts first. */
export function makeRequestCheck(schema: TSchema, part: string): (given: unknown) => CheckedPart {
  const validator = Compile(schema);
  const name = partNames[part] ?? part;
  const known = Object.keys((schema as ObjectSchema).properties ?? {});
  return (given) => {
    const value = part === "body" ? given : fromTexts(schema, given);
    if (validator.Check(value)) return { value };
    const all = validator.Errors(value).flatMap((error) => describe(error, name, known));
    const fields =
      all.length === 0 ? [{ field: "", problem: `the ${name} has not the right form`, fix: "See /reference." }] : all;
    const message = fields.map(({ field, problem }) => `${field === "" ? name : field} ${problem}`).join("; ");
    return { error: new FieldsError(message, fields.slice(0, MAX_PROBLEMS)) };
  };
}
