import type { Op, Outcome } from "../event/index.ts";

const ops: Readonly<Record<string, Op>> = {
  GET: "READ",
  HEAD: "READ",
  QUERY: "READ",
  POST: "CREATE",
  PUT: "WRITE",
  PATCH: "UPDATE",
  DELETE: "DELETE",
};

/** The operation of an HTTP method; other methods are OTHER. */
export function opOfMethod(method: string): Op {
  return Object.hasOwn(ops, method) ? (ops[method] ?? "OTHER") : "OTHER";
}

/** How a request ended. */
export interface HttpEnd {
  readonly status: number;
  /** The client went away before the answer was complete. */
  readonly isAborted: boolean;
  readonly error?: unknown;
}

/** Kind and code of an error; never its message, which may hold anything. */
function errorReason(error: unknown): string {
  if (!(error instanceof Error)) return "something that is no Error was thrown";
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" && code !== "" ? `${error.name} ${code}` : error.name;
}

/** 401, 403 and 407 are denied; below 400 is success; 499 stands for a client that went away. */
export function outcomeOf({ status, isAborted, error }: HttpEnd): Outcome {
  if (isAborted)
    return { status: "failure", code: "499", reason: "the client went away before the answer was complete" };
  const reason = error === undefined ? {} : { reason: errorReason(error).slice(0, 1_024) };
  const code = String(status);
  if (status === 401 || status === 403 || status === 407) return { status: "denied", code, ...reason };
  return { status: status < 400 && error === undefined ? "success" : "failure", code, ...reason };
}
