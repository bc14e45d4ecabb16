import { maskApiKeys } from "../auth/index.ts";

const MAX_CAUSES = 5;
const MAX_LENGTH = 8_000;

/** A failure and its causes for the log: their stacks, without API keys that a message may have quoted. */
export function describeFailure(failure: Error): string {
  const parts: string[] = [];
  let at: unknown = failure;
  while (at instanceof Error && parts.length < MAX_CAUSES) {
    parts.push(at.stack ?? at.message);
    at = at.cause;
  }
  return maskApiKeys(parts.join("\ncaused by ").slice(0, MAX_LENGTH));
}
