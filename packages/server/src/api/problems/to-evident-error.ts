import { type ErrorCode, EvidentError } from "@evident/core";
import { nearestName } from "../../config/index.ts";
import { type FieldProblem, FieldsError } from "./problem.ts";

interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
  readonly parentSchema?: unknown;
}

interface FrameworkError extends Error {
  readonly code?: string;
  readonly statusCode?: number;
  readonly validation?: readonly SchemaError[];
  readonly validationContext?: string;
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  408: "too_slow",
  413: "too_large",
  415: "unsupported_media",
  429: "overloaded",
  503: "overloaded",
};

const dotted = (pointer: string): string => pointer.replace(/^\//, "").replaceAll("/", ".");

function knownNames(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null || !("properties" in schema)) return [];
  return Object.keys(schema.properties ?? {});
}

function describe(error: SchemaError, context: string): FieldProblem {
  const field = dotted(error.instancePath);
  const inside = (name: unknown): string => (field === "" ? String(name) : `${field}.${String(name)}`);
  if (error.keyword === "additionalProperties") {
    const name = String(error.params["additionalProperty"]).slice(0, 80);
    const nearest = nearestName(name, knownNames(error.parentSchema));
    const fix = nearest === undefined ? "Leave it out." : `Did you mean \`${nearest}\`?`;
    return { field: inside(name), problem: `is not known in the ${context}`, fix };
  }
  if (error.keyword === "required") {
    return { field: inside(error.params["missingProperty"]), problem: "is missing", fix: "Add it." };
  }
  if (error.keyword === "enum") {
    const allowed = error.params["allowedValues"];
    const fix = `Give one of ${Array.isArray(allowed) ? allowed.join(", ") : ""}.`;
    return { field, problem: "is none of the allowed values", fix };
  }
  const problem = (error.message ?? "is not valid").slice(0, 200);
  return { field, problem, fix: `${problem.replace(/^must/, "It must")}.` };
}

function fromValidation(errors: readonly SchemaError[], context: string): FieldsError {
  const where = context === "querystring" ? "query" : context === "params" ? "path" : context;
  const fields = errors.slice(0, 20).map((each) => describe(each, where));
  const message = fields.map(({ field, problem }) => `${field === "" ? where : field} ${problem}`).join("; ");
  return new FieldsError(message, fields);
}

/** Every failure as the one class. What is not known to be safe to show becomes `internal` with the original as cause. */
export function toEvidentError(error: unknown): EvidentError {
  if (error instanceof EvidentError) return error;
  if (!(error instanceof Error))
    return new EvidentError("internal", "something that is no error was thrown", { cause: error });
  const { code, statusCode, validation, validationContext } = error as FrameworkError;
  if (validation !== undefined) return fromValidation(validation, validationContext ?? "body");
  if (code?.startsWith("FST_") !== true || statusCode === undefined || statusCode === 500) {
    return new EvidentError("internal", error.message, { cause: error });
  }
  return new EvidentError(codeOfStatus[statusCode] ?? "bad_request", error.message, { cause: error });
}
