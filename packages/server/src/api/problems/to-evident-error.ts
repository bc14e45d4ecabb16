import { type ErrorCode, EvidentError } from "@evident/core";

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

/** Every failure as the one class. What is not known to be safe to show becomes `internal` with the original as cause. */
export function toEvidentError(error: unknown): EvidentError {
  if (error instanceof EvidentError) return error;
  if (!(error instanceof Error))
    return new EvidentError("internal", "something that is no error was thrown", { cause: error });
  const { code, statusCode } = error as Error & { readonly code?: string; readonly statusCode?: number };
  // The framework's own refusals have fixed texts; a body that does not parse has an error of JavaScript with a status.
  if (error instanceof SyntaxError && statusCode === 400) {
    return new EvidentError("bad_request", "the body is not valid JSON", { cause: error, fix: "Send one JSON value." });
  }
  if (code?.startsWith("FST_") !== true || statusCode === undefined || statusCode === 500) {
    return new EvidentError("internal", error.message, { cause: error });
  }
  return new EvidentError(codeOfStatus[statusCode] ?? "bad_request", error.message, { cause: error });
}
