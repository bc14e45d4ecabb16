import { type EntryLike, EvidentError, parseEntry } from "@evident/core";

/** An answer that no Evident server gives: something else answers at the URL, or it wants to confuse its client. */
export function strangeAnswer(what: string, cause?: unknown): EvidentError {
  return new EvidentError("unreachable", `the server answered with something that is no ${what}`, {
    cause,
    fix: "Check that the URL is an Evident server's.",
  });
}

/** The members of an answer; `what` names what it should be. @throws EvidentError `unreachable` when it has none */
export function parseMembers(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw strangeAnswer(what);
}

/** @throws EvidentError `unreachable` when it is no list */
export function parseList(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw strangeAnswer(what);
}

/** A line with an entry. @throws EvidentError `unreachable` when it is no JSON */
export function parseLine(line: string): EntryLike {
  try {
    return parseEntry(line);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw strangeAnswer("entry", cause);
  }
}
