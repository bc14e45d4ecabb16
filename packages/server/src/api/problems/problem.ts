import { STATUS_CODES } from "node:http";
import { type ErrorCode, EvidentError, errors } from "@evident/core";
import { type Static, Type } from "typebox";
import { maskApiKeys } from "../auth/index.ts";

/** One wrong field of a request. */
const FieldProblemSchema = Type.Object({
  field: Type.String({ description: "Dotted path of the field; empty for the whole." }),
  problem: Type.String({ description: "What is wrong with its value." }),
  fix: Type.String({ description: "What to send instead." }),
  at: Type.Optional(Type.Integer({ description: "Offset of the first wrong character in a text field." })),
  length: Type.Optional(Type.Integer({ description: "Number of wrong characters." })),
});

export type FieldProblem = Static<typeof FieldProblemSchema>;

/** A problem document (RFC 9457). `code`, `fix` and `errors` are our extension members. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({
      description: "Where the code is explained, relative to this server.",
      examples: ["/errors#forbidden"],
    }),
    title: Type.String({ description: "The code in words." }),
    status: Type.Integer({ description: "The HTTP status." }),
    code: Type.Enum(Object.keys(errors) as ErrorCode[], { description: "The contract: see /errors." }),
    detail: Type.String({ description: "What happened here, with the values." }),
    fix: Type.String({ description: "What to do." }),
    request: Type.Optional(Type.String({ description: "The request's id in the server's log." })),
    lines: Type.Optional(
      Type.Object(
        { first: Type.Integer(), last: Type.Integer() },
        { description: "Lines of a body, from 1, that got no verdict because of this." },
      ),
    ),
    errors: Type.Optional(
      Type.Array(FieldProblemSchema, { description: "The fields that are wrong, where there are any." }),
    ),
  },
  { title: "Problem", description: "RFC 9457 problem document, application/problem+json." },
);

export type Problem = Static<typeof ProblemSchema>;

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

const MAX_DETAIL = 1_000;

/** Codes whose message may name files or inner state: the answer says where to look instead. */
const keptInside: ReadonlySet<ErrorCode> = new Set([
  "internal",
  "corrupt_store",
  "storage_failed",
  "rolled_back",
  "config_invalid",
]);

/** A failure with the fields it concerns, for answers that name them one by one. */
export class FieldsError extends EvidentError {
  readonly fields: readonly FieldProblem[];

  constructor(message: string, fields: readonly FieldProblem[]) {
    super("bad_request", message, fields[0] === undefined ? {} : { fix: fields[0].fix });
    this.fields = fields;
  }
}

/** Refused for now. */
export class RetryError extends EvidentError {
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super("overloaded", message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The problem document of a failure. `requestId` is named so that the log can be searched. */
export function makeProblem(error: EvidentError, requestId?: string): Problem {
  const { code, status } = error;
  const shown = keptInside.has(code)
    ? `The server could not do this${requestId === undefined ? "" : `; its log names the reason under request ${requestId}`}.`
    : error.message;
  const title = code.replaceAll("_", " ");
  return {
    type: `/errors#${code}`,
    title: `${title.charAt(0).toUpperCase()}${title.slice(1)}`,
    status,
    code,
    detail: maskApiKeys(shown.slice(0, MAX_DETAIL)),
    fix: error.fix,
    ...(requestId === undefined ? {} : { request: requestId }),
    ...(error instanceof FieldsError && error.fields.length > 0 ? { errors: error.fields.map(maskField) } : {}),
  };
}

/** Nothing that a client sent may come back with a key in it: answers are logged and shown. */
function maskField(field: FieldProblem): FieldProblem {
  return {
    ...field,
    field: maskApiKeys(field.field),
    problem: maskApiKeys(field.problem),
    fix: maskApiKeys(field.fix),
  };
}

/** A complete HTTP/1.1 answer with a problem document, for connections on which no request could be read. */
export function makeRawAnswer(error: EvidentError): string {
  const body = JSON.stringify(makeProblem(error));
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? "Error"}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
