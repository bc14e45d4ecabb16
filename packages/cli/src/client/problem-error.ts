import { type ErrorCode, EvidentError, errors } from "@evident/core";

const MAX_TEXT = 2_000;

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: "bad_request",
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  408: "too_slow",
  409: "conflict",
  413: "too_large",
  415: "unsupported_media",
  429: "overloaded",
  503: "not_ready",
  507: "storage_full",
};

interface Shown {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly fix?: unknown;
  readonly errors?: unknown;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, MAX_TEXT) : undefined;
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errors, code);
}

function describeFields(problem: Shown): string {
  if (!Array.isArray(problem.errors)) return "";
  const fields: unknown[] = problem.errors.slice(0, 10);
  const lines = fields.flatMap((each) => {
    if (typeof each !== "object" || each === null) return [];
    const { field, problem: what } = each as { readonly field?: unknown; readonly problem?: unknown };
    return [`${textOf(field) ?? ""}: ${textOf(what) ?? "is wrong"}`];
  });
  return lines.length > 1 ? `\n${lines.join("\n")}` : "";
}

/** The failure that an answer's problem document states (RFC 9457), or one made from the status where there is no document. */
export function problemError(status: number, problem: unknown): EvidentError {
  const shown: Shown = typeof problem === "object" && problem !== null ? problem : {};
  const code = isCode(shown.code) ? shown.code : (byStatus[status] ?? "unreachable");
  const detail = textOf(shown.detail) ?? `the server answered ${status}`;
  const fix = textOf(shown.fix);
  const message = `${detail}${describeFields(shown)}`;
  return new EvidentError(code, message, fix === undefined ? {} : { fix });
}
