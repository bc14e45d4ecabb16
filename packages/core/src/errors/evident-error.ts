import { type ErrorCode, errors } from "./table.ts";

/**
 * The one class that failures throw. `code` is the contract, `message` names the values, `fix` says what to do.
 * Expected outcomes are return values, never thrown.
 */
export class EvidentError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly exit: number;
  readonly fix: string;

  constructor(code: ErrorCode, message: string, options: { readonly cause?: unknown; readonly fix?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "EvidentError";
    this.code = code;
    this.status = errors[code].status;
    this.exit = errors[code].exit;
    this.fix = options.fix ?? errors[code].fix;
  }
}
