import { normalInstant, parsePeriod, parseSearch } from "@evident/core";
import { FieldsError } from "../problems/index.ts";

const RELATIVE = /^(?:now|[+-])/i;

/** A half-open range of time, RFC 3339 UTC with nine fraction digits. */
export interface TimeRange {
  readonly from?: string;
  readonly to?: string;
}

/** Refuses a search text that does not parse, pointing at the character. */
export function checkSearchText(text: string | undefined, nowMs: number): void {
  if (text === undefined) return;
  const parsed = parseSearch(text, { nowMs });
  if (parsed.ok) return;
  const { at, length, message, fix } = parsed.problem;
  throw new FieldsError(`q, character ${at + 1}: ${message}`, [{ field: "q", problem: message, fix, at, length }]);
}

function parseBound(name: "from" | "to", text: string, nowMs: number): string {
  // In a query a `+` that was not percent-encoded arrives as a space.
  const given = text.replace(/ (?=\d\d:?\d\d$)/, "+");
  const period = parsePeriod(given, nowMs);
  if (period === undefined) {
    const fix =
      "Give an RFC 3339 time with zone, a date such as 2026-03-04 (UTC), or a time relative to now such as -24h.";
    throw new FieldsError(`${name} is not a time`, [
      { field: name, problem: `${JSON.stringify(given.slice(0, 40))} is not a time`, fix },
    ]);
  }
  const isInstant = normalInstant(given) !== undefined || RELATIVE.test(given);
  return name === "from" || isInstant ? period.from : period.before;
}

/** Reads `from` (inclusive) and `to` (exclusive; a date or month as `to` includes all of it). */
export function parseTimeRange(given: { readonly from?: string; readonly to?: string }, nowMs: number): TimeRange {
  const from = given.from === undefined ? undefined : parseBound("from", given.from, nowMs);
  const to = given.to === undefined ? undefined : parseBound("to", given.to, nowMs);
  if (from !== undefined && to !== undefined && from >= to) {
    throw new FieldsError("from is not before to", [
      { field: "from", problem: `${from} is not before ${to}`, fix: "Swap them." },
    ]);
  }
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
