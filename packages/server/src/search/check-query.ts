import { allOf, EvidentError, lookUpField, normalInstant, type Predicate, parseSearch } from "@evident/core";
import { entryTimeNs, readEntry } from "./extract.ts";
import type { Wanted } from "./match-lines.ts";
import { formatCursor, type Order, parseCursor } from "./row-key.ts";
import type { QueryRequest } from "./run-query.ts";
import type { StatsRequest } from "./run-stats.ts";
import type { Hit, SearchQuery, StatsQuery } from "./types.ts";

const mostHits = 10_000;
const mostTop = 10;
const mostTopValues = 1_000;
const defaultTopValues = 10;

function refuse(message: string, fix: string): never {
  throw new EvidentError("bad_request", message, { fix });
}

function checkWhole(name: string, value: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  return refuse(`${name} is ${value}`, `Give a whole number from 1 to ${most}.`);
}

function checkTime(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const instant = normalInstant(text);
  return instant ?? refuse(`${name} is no time: ${text.slice(0, 40)}`, "Give an RFC 3339 time with zone.");
}

function checkText(text: string | undefined, nowMs: number): Predicate {
  const parsed = parseSearch(text ?? "", { nowMs });
  if (parsed.ok) return parsed.predicate;
  const { at, message, fix } = parsed.problem;
  return refuse(`search text, character ${at + 1}: ${message}`, fix);
}

function checkWanted(query: Pick<SearchQuery, "text" | "trails" | "from" | "to">, nowMs: number): Wanted {
  return {
    predicate: checkText(query.text, nowMs),
    trails: [...new Set(query.trails)],
    from: checkTime("from", query.from),
    to: checkTime("to", query.to),
  };
}

/** Where an entry stands in the order, as the index knows it. */
function cursorBehind({ trail, index, entry }: Hit, order: Order): string {
  const timeNs = entryTimeNs(readEntry(Buffer.from(entry))) ?? 0n;
  return formatCursor({ timeNs, trail, index }, order);
}

/** @throws EvidentError `bad_request` naming what cannot be asked */
export function checkQuery(query: SearchQuery, nowMs: number): QueryRequest {
  const { after, order } = query;
  const cursor = query.cursor ?? (after === undefined ? undefined : cursorBehind(after, order));
  if (cursor !== undefined) parseCursor(cursor, order);
  return {
    ...checkWanted(query, query.nowMs ?? nowMs),
    cursor,
    order,
    limit: checkWhole("limit", query.limit, mostHits),
  };
}

function checkField(written: string): string {
  const found = lookUpField(written);
  if (found.kind === "known") return found.field.name;
  const fix = found.nearest === undefined ? "Name a field of the event." : `Did you mean ${found.nearest}?`;
  return refuse(`there is no field ${JSON.stringify(written.slice(0, 60))}`, fix);
}

/** @throws EvidentError `bad_request` naming what cannot be asked */
export function checkStats(query: StatsQuery, nowMs: number): StatsRequest {
  const { intervalMs, top = [] } = query;
  if (top.length > mostTop) refuse(`top names ${top.length} fields`, `Name at most ${mostTop}.`);
  return {
    ...checkWanted(query, nowMs),
    intervalMs: intervalMs === undefined ? undefined : checkWhole("intervalMs", intervalMs, 10 ** 13),
    top: top.map(checkField),
    topLimit: checkWhole("topLimit", query.topLimit ?? defaultTopValues, mostTopValues),
  };
}

/** All entries with an event id, newest first. */
export function findRequest(id: string, trails: readonly string[]): QueryRequest {
  const predicate: Predicate = allOf([{ op: "match", field: "id", test: { kind: "equals", value: id, cased: true } }]);
  return { predicate, trails, from: undefined, to: undefined, cursor: undefined, limit: undefined, order: "newest" };
}
