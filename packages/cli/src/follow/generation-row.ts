import type { SQLOutputValue } from "node:sqlite";
import type { Generation, Mark, Position } from "./generation.ts";

const values = {
  id: (each) => each.id,
  log: (each) => each.log,
  first_line: (each) => each.firstLine,
  ignored: (each) => (each.isIgnored ? 1 : 0),
  path: (each) => each.path,
  file: (each) => each.file ?? null,
  start_offset: ({ start }) => start.offset,
  start_line: ({ start }) => start.line,
  start_key: ({ start }) => start.key,
  offset: ({ position }) => position.offset,
  line: ({ position }) => position.line,
  key: ({ position }) => position.key,
  replay: ({ position }) => (position.replay === undefined ? null : JSON.stringify(position.replay)),
  head_at: ({ head }) => head.at,
  head_digest: ({ head }) => head.digest,
  read_at: ({ read }) => read.at,
  read_digest: ({ read }) => read.digest,
  ahead_offset: ({ ahead }) => ahead?.offset ?? null,
  ahead_ms: ({ ahead }) => ahead?.atMs ?? null,
  cuts: ({ cuts }) => cuts.join(" "),
  seen_bytes: (each) => each.seenBytes,
  seen_ms: (each) => each.seenMs,
} as const satisfies Record<string, (each: Generation) => string | number | null>;

type Column = keyof typeof values;

/** Columns of the table of generations. */
export const columns: readonly string[] = Object.keys(values);

/** Values of the columns, by column. */
export function toRow(each: Generation): Record<string, string | number | null> {
  return Object.fromEntries(Object.entries(values).map(([column, valueOf]) => [column, valueOf(each)]));
}

/** What `toRow` wrote of the lines to be read again. */
function replayOf(text: SQLOutputValue | undefined): Pick<Position, "replay"> {
  if (typeof text !== "string") return {};
  return { replay: JSON.parse(text) as NonNullable<Position["replay"]> };
}

/** The generation in a row; the table checks the types. */
export function fromRow(row: Record<string, SQLOutputValue>): Generation {
  const number = (column: Column): number => Number(row[column]);
  const text = (column: Column): string => String(row[column]);
  const position = (offset: Column, line: Column, key: Column): Position => {
    return { offset: number(offset), line: number(line), key: text(key) };
  };
  const mark = (at: Column, digest: Column): Mark => ({ at: number(at), digest: text(digest) });
  return {
    id: number("id"),
    log: text("log"),
    firstLine: text("first_line"),
    start: position("start_offset", "start_line", "start_key"),
    file: row["file"] === null ? undefined : text("file"),
    path: text("path"),
    head: mark("head_at", "head_digest"),
    position: { ...position("offset", "line", "key"), ...replayOf(row["replay"]) },
    read: mark("read_at", "read_digest"),
    ahead: row["ahead_offset"] === null ? undefined : { offset: number("ahead_offset"), atMs: number("ahead_ms") },
    cuts: text("cuts").split(" ").filter(Boolean).map(Number),
    isIgnored: number("ignored") === 1,
    seenBytes: number("seen_bytes"),
    seenMs: number("seen_ms"),
  };
}
