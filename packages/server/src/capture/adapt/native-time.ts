import { parseTime } from "@evident/core";

/** A moment as an event states it. */
export interface NativeTime {
  readonly occurred: string;
  readonly precision: "s" | "ms" | "us" | "ns";
}

const FRACTION = /\.(\d+)/;

function precisionOf(digits: number): NativeTime["precision"] {
  if (digits === 0) return "s";
  if (digits <= 3) return "ms";
  return digits <= 6 ? "us" : "ns";
}

/** Reads an RFC 3339 time with a zone. Fractions beyond nanoseconds are cut. @returns undefined for anything else */
export function readTime(text: string | undefined): NativeTime | undefined {
  if (text === undefined) return undefined;
  const digits = FRACTION.exec(text)?.[1]?.length ?? 0;
  const parsed = parseTime(digits > 9 ? text.replace(/(\.\d{9})\d+/, "$1") : text);
  return parsed.ok ? { occurred: parsed.time, precision: precisionOf(digits) } : undefined;
}

const unitDigits = { s: 0, ms: 3, us: 6, ns: 9 } as const;

/** Reads a count since 1970 given as a number or as digits. @returns undefined outside the years 1970 to 9999 */
export function readEpoch(count: string | number | undefined, unit: keyof typeof unitDigits): NativeTime | undefined {
  const text = String(count ?? "");
  const parts = /^(\d{1,19})(?:\.(\d{1,9}))?$/.exec(text);
  if (parts === null) return undefined;
  const [, whole = "", fraction = ""] = parts;
  const digits = unitDigits[unit];
  const all = whole.padStart(digits + 1, "0");
  const seconds = Number(all.slice(0, all.length - digits));
  if (seconds > 253_402_300_799) return undefined;
  const nanos = (all.slice(all.length - digits) + fraction).padEnd(9, "0").slice(0, 9);
  const base = new Date(seconds * 1_000).toISOString().slice(0, 19);
  return { occurred: `${base}.${nanos}Z`, precision: precisionOf(digits + fraction.length) };
}

/** A wall clock without its zone. Months from 1. */
export interface WallClock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Digits behind the second, as many as the source gives. */
  readonly fraction?: string;
}

/**
 * Turns a wall clock into a moment. An hour that a change of summer time repeats is taken as the earlier one; one that it leaves out is
 * moved by the change.
 *
 * @param zone `+02:00`, `Z` or a name of the IANA time zone database
 * @returns undefined for a date that does not exist or an unknown zone
 */
export function fromWallClock(clock: WallClock, zone: string): NativeTime | undefined {
  const { year, month, day, hour, minute, second, fraction = "" } = clock;
  const isLeapSecond = second === 60;
  const asUtcMs = Date.UTC(year, month - 1, day, hour, minute, isLeapSecond ? 59 : second);
  const real = new Date(asUtcMs);
  if (real.getUTCMonth() !== month - 1 || real.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) {
    return undefined;
  }
  const offsetMs = offsetOf(zone, asUtcMs);
  if (offsetMs === undefined) return undefined;
  const at = new Date(asUtcMs - offsetMs).toISOString();
  if (!/^\d{4}-/.test(at)) return undefined;
  const nanos = isLeapSecond ? "999999999" : fraction.padEnd(9, "0").slice(0, 9);
  return { occurred: `${at.slice(0, 19)}.${nanos}Z`, precision: precisionOf(Math.min(9, fraction.length)) };
}

const FIXED = /^([+-])(\d\d):?(\d\d)$/;

/** Milliseconds to take off a wall clock of a zone to get UTC. */
function offsetOf(zone: string, wallMs: number): number | undefined {
  if (zone === "Z" || zone === "UTC") return 0;
  const fixed = FIXED.exec(zone);
  if (fixed !== null) {
    const [, sign, hours, minutes] = fixed;
    return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  }
  const format = formatOf(zone);
  if (format === undefined) return undefined;
  // The larger offset that gives this wall clock is the earlier moment.
  const [before = 0, after = 0] = [-86_400_000, 86_400_000].map((dayMs) => zoneOffset(format, wallMs + dayMs));
  const [larger, smaller] = [Math.max(before, after), Math.min(before, after)];
  return zoneOffset(format, wallMs - larger) === larger ? larger : smaller;
}

const formats = new Map<string, Intl.DateTimeFormat | undefined>();

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  if (!formats.has(zone)) formats.set(zone, makeFormat(zone));
  return formats.get(zone);
}

function makeFormat(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    const numeric = { year: "numeric", month: "numeric", day: "numeric" } as const;
    const clock = { hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" } as const;
    return new Intl.DateTimeFormat("en-US", { timeZone, era: "short", ...numeric, ...clock });
  } catch (cause) {
    if (cause instanceof RangeError) return undefined;
    throw cause;
  }
}

const lastOffsets = new WeakMap<Intl.DateTimeFormat, Map<number, number>>();
const MAX_KNOWN = 10_000;

/** Offset of a zone at a moment; remembered by quarter of an hour, in which no zone changes. */
function zoneOffset(format: Intl.DateTimeFormat, atMs: number): number {
  const known = lastOffsets.get(format) ?? new Map<number, number>();
  if (known.size === 0 || known.size > MAX_KNOWN) {
    known.clear();
    lastOffsets.set(format, known);
  }
  const quarter = Math.floor(atMs / 900_000);
  const found = known.get(quarter);
  if (found !== undefined) return found;
  const startMs = quarter * 900_000;
  const parts = Object.fromEntries(format.formatToParts(startMs).map(({ type, value }) => [type, value]));
  const [year, month, day] = [Number(parts["year"]), Number(parts["month"]), Number(parts["day"])];
  const [hour, minute, second] = [Number(parts["hour"]), Number(parts["minute"]), Number(parts["second"])];
  const offsetMs = Date.UTC(year, month - 1, day, hour, minute, second) - startMs;
  known.set(quarter, offsetMs);
  return offsetMs;
}

/** Whether a text names a zone that `fromWallClock` knows. */
export function isZone(zone: string): boolean {
  return offsetOf(zone, 0) !== undefined;
}
