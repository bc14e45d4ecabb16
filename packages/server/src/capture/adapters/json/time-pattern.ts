import { fromWallClock, type LooseTime, type WallClock } from "../../adapt/index.ts";

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

type Field = "year" | "month" | "day" | "hour" | "minute" | "second" | "fraction" | "zone" | "half" | "twelve";

/** Reads a field at a place of the text; undefined when it does not stand there. */
type Reader = (text: string, at: number) => { readonly value: string | number; readonly end: number } | undefined;

interface Piece {
  readonly field?: Field;
  readonly read: Reader;
}

function digits(least: number, most: number): Reader {
  return (text, at) => {
    let end = at;
    while (end < at + most && /^\d$/.test(text[end] ?? "")) end += 1;
    return end - at < least ? undefined : { value: Number(text.slice(at, end)), end };
  };
}

const fraction: Reader = (text, at) => {
  let end = at;
  while (end < at + 12 && /^\d$/.test(text[end] ?? "")) end += 1;
  return end === at ? undefined : { value: text.slice(at, end).slice(0, 9), end };
};

const monthName: Reader = (text, at) => {
  const month = MONTHS.indexOf(text.slice(at, at + 3).toLowerCase());
  return month < 0 ? undefined : { value: month + 1, end: at + 3 };
};

const offset: Reader = (text, at) => {
  if (text[at] === "Z") return { value: "Z", end: at + 1 };
  const found = /^([+-])(\d\d):?(\d\d)/.exec(text.slice(at, at + 6));
  return found === null ? undefined : { value: `${found[1]}${found[2]}:${found[3]}`, end: at + found[0].length };
};

const half: Reader = (text, at) => {
  const word = text.slice(at, at + 2).toLowerCase();
  return word === "am" || word === "pm" ? { value: word, end: at + 2 } : undefined;
};

function literal(wanted: string): Reader {
  return (text, at) => (text.startsWith(wanted, at) ? { value: wanted, end: at + wanted.length } : undefined);
}

/** Letters of a pattern, longest first. They are those of Unicode TR 35, as Java and .NET have them. */
const letters: Readonly<Record<string, Piece>> = {
  yyyy: { field: "year", read: digits(4, 4) },
  MMM: { field: "month", read: monthName },
  MM: { field: "month", read: digits(2, 2) },
  M: { field: "month", read: digits(1, 2) },
  dd: { field: "day", read: digits(2, 2) },
  d: { field: "day", read: digits(1, 2) },
  HH: { field: "hour", read: digits(2, 2) },
  H: { field: "hour", read: digits(1, 2) },
  hh: { field: "twelve", read: digits(2, 2) },
  h: { field: "twelve", read: digits(1, 2) },
  mm: { field: "minute", read: digits(2, 2) },
  ss: { field: "second", read: digits(2, 2) },
  S: { field: "fraction", read: fraction },
  Z: { field: "zone", read: offset },
  a: { field: "half", read: half },
};

/** A pattern ready to read times, or why it is none. */
export type TimePattern =
  | {
      readonly ok: true;
      readonly hasZone: boolean;
      readonly read: (text: string, zone: string) => LooseTime | undefined;
    }
  | { readonly ok: false; readonly problem: string };

/** Compiles a pattern such as `yyyy-MM-dd HH:mm:ss.S Z` or `dd/MMM/yyyy:HH:mm:ss Z`; text in quotes stands for itself. */
export function parseTimePattern(pattern: string): TimePattern {
  const pieces: Piece[] = [];
  for (let at = 0; at < pattern.length; ) {
    const letter = pattern[at] ?? "";
    if (letter === "'") {
      const end = pattern.indexOf("'", at + 1);
      if (end < 0) return { ok: false, problem: "has a quote that does not end" };
      pieces.push({ read: literal(end === at + 1 ? "'" : pattern.slice(at + 1, end)) });
      at = end + 1;
    } else if (/[A-Za-z]/.test(letter)) {
      const run = runOf(pattern, at);
      // Any number of S reads a fraction of any length.
      const piece = letters[letter === "S" ? "S" : run];
      if (piece === undefined) return { ok: false, problem: `has ${run}, which is not known` };
      pieces.push(piece);
      at += run.length;
    } else {
      pieces.push({ read: literal(letter) });
      at += 1;
    }
  }
  const fields = new Set(pieces.flatMap(({ field }) => field ?? []));
  const missing = (["year", "month", "day"] as const).find((field) => !fields.has(field));
  if (missing !== undefined) return { ok: false, problem: `has no ${missing}` };
  if (fields.has("twelve") !== fields.has("half")) return { ok: false, problem: "needs both h and a, or neither" };
  return { ok: true, hasZone: fields.has("zone"), read: (text, zone) => readPieces(pieces, text, zone) };
}

function runOf(pattern: string, from: number): string {
  let end = from;
  while (pattern[end] === pattern[from]) end += 1;
  return pattern.slice(from, end);
}

function readPieces(pieces: readonly Piece[], text: string, zone: string): LooseTime | undefined {
  const found: Partial<Record<Field, string | number>> = {};
  let at = 0;
  for (const { field, read } of pieces) {
    const piece = read(text, at);
    if (piece === undefined) return undefined;
    if (field !== undefined) found[field] = piece.value;
    at = piece.end;
  }
  if (at !== text.length) return undefined;
  const clock = clockOf(found);
  const stated = found.zone;
  const time = fromWallClock(clock, typeof stated === "string" ? stated : zone);
  return time === undefined || stated !== undefined ? time : { ...time, tz: "assumed" };
}

function clockOf(found: Partial<Record<Field, string | number>>): WallClock {
  const number = (field: Field): number => Number(found[field] ?? 0);
  const twelve = found.twelve === undefined ? undefined : (number("twelve") % 12) + (found.half === "pm" ? 12 : 0);
  return {
    year: number("year"),
    month: number("month"),
    day: number("day"),
    hour: twelve ?? number("hour"),
    minute: number("minute"),
    second: number("second"),
    fraction: String(found.fraction ?? ""),
  };
}
