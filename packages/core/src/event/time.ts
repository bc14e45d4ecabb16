const CANONICAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;
const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;
const NO_ZONE = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/;

/** A time in stored form, or why it is none. */
export type ParsedTime =
  | { readonly ok: true; readonly time: string }
  | { readonly ok: false; readonly problem: string; readonly fix: string };

const FORM = "Send RFC 3339 with a zone, for example 2026-11-24T09:30:00.123Z.";

/**
 * Brings an RFC 3339 time with a zone into stored form: UTC, nine fraction digits, `Z`. Digits beyond the ninth are refused rather than
 * cut; a leap second (`:60`) becomes the last nanosecond of its minute.
 */
export function parseTime(text: string): ParsedTime {
  if (CANONICAL.test(text) && isReal(text)) return { ok: true, time: text };
  const parts = RFC_3339.exec(text);
  if (parts === null) {
    if (NO_ZONE.test(text))
      return { ok: false, problem: "has no time zone", fix: "Add the zone: Z for UTC, or an offset such as +02:00." };
    return { ok: false, problem: "is not an RFC 3339 time", fix: FORM };
  }
  const [, date = "", clock = "", fraction = "", zone = ""] = parts;
  const leap = clock.endsWith(":60");
  const offset = zone.toUpperCase() === "Z" ? "Z" : zone;
  const atMs = Date.parse(`${date}T${leap ? clock.replace(/60$/, "59") : clock}${offset}`);
  const local = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(atMs) || Number.isNaN(local) || new Date(local).toISOString().slice(0, 10) !== date) {
    return { ok: false, problem: "is not a date or time that exists", fix: FORM };
  }
  const utc = new Date(atMs).toISOString();
  if (!/^\d{4}-/.test(utc)) return { ok: false, problem: "is outside the years 0000 to 9999", fix: FORM };
  return { ok: true, time: `${utc.slice(0, 19)}.${leap ? "999999999" : fraction.padEnd(9, "0")}Z` };
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Two digits of a text in stored form. */
function two(text: string, at: number): number {
  return text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528;
}

/** Whether a text in stored form names a moment of the Gregorian calendar; leap seconds are none. */
function isReal(text: string): boolean {
  const [century, year, month, day] = [two(text, 0), two(text, 2), two(text, 5), two(text, 8)];
  const isLeapYear = year === 0 ? century % 4 === 0 : year % 4 === 0;
  const days = month === 2 && isLeapYear ? 29 : (DAYS[month - 1] ?? 0);
  return day >= 1 && day <= days && two(text, 11) < 24 && two(text, 14) < 60 && two(text, 17) < 60;
}

/** Unix milliseconds of a time in stored form. */
export function timeMs(time: string): number {
  return Date.parse(`${time.slice(0, 23)}Z`);
}
