/** A stretch of time, half-open, RFC 3339 UTC with nine fraction digits. */
export interface Period {
  readonly from: string;
  readonly before: string;
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):?(\d\d))$/;
const stored = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;

function isDay(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

/** Unix milliseconds as RFC 3339 UTC with nine fraction digits; years 0000 to 9999. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000000Z`;
}

/** The same instant as UTC with nine fraction digits, so that it sorts as text; undefined when it is no RFC 3339 time. */
export function normalInstant(text: string): string | undefined {
  if (stored.test(text)) return text;
  if (text.length > 64) return undefined;
  const found = rfc3339.exec(text);
  if (found === null) return undefined;
  const [, year = "", month = "", day = "", hour = "", minute = "", second = "", fraction = ""] = found;
  if (!isDay(Number(year), Number(month), Number(day))) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const at = new Date(0);
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const shift = (found[8] === "-" ? 1 : -1) * (Number(found[9] ?? 0) * 60 + Number(found[10] ?? 0));
  at.setUTCHours(Number(hour), Number(minute) + shift, Number(second));
  const seconds = at.toISOString();
  // Beyond the years 0000 to 9999 the text would no longer sort.
  if (seconds.length !== 24) return undefined;
  return `${seconds.slice(0, 19)}.${fraction.padEnd(9, "0")}Z`;
}

/** The next representable instant, one nanosecond later. */
export function nextInstant(instant: string): string {
  const fraction = Number(instant.slice(20, 29)) + 1;
  if (fraction < 1_000_000_000) return `${instant.slice(0, 20)}${String(fraction).padStart(9, "0")}Z`;
  return timeText(Date.parse(`${instant.slice(0, 19)}Z`) + 1_000);
}

const partial = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt](\d\d)(?::(\d\d)(?::(\d\d))?)?[Zz]?)?)?)?$/;

function calendarPeriod(text: string): Period | undefined {
  const found = partial.exec(text);
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1).map((part) => (part ? Number(part) : undefined));
  if (year === undefined || !isDay(year, month ?? 1, day ?? 1)) return undefined;
  if ((hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return undefined;
  const start = new Date(0);
  start.setUTCFullYear(year, (month ?? 1) - 1, day ?? 1);
  start.setUTCHours(hour ?? 0, minute ?? 0, second ?? 0);
  const end = new Date(start);
  if (month === undefined) end.setUTCFullYear(year + 1);
  else if (day === undefined) end.setUTCMonth(month);
  else if (hour === undefined) end.setUTCDate(day + 1);
  else if (minute === undefined) end.setUTCHours(hour + 1);
  else if (second === undefined) end.setUTCMinutes(minute + 1);
  else end.setUTCSeconds(second + 1);
  const before = end.toISOString().length === 24 ? timeText(end.getTime()) : "9999-12-31T23:59:59.999999999Z";
  return { from: timeText(start.getTime()), before };
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/**
 * A time as people write it in a query: RFC 3339 with zone; a year, month, day, hour, minute or second in UTC
 * (`2026-03-04`), standing for all of it; `now`; or relative to now (`-24h`, `now-7d`; units s m h d w).
 * @param nowMs Unix milliseconds
 */
export function parsePeriod(text: string, nowMs: number): Period | undefined {
  if (text.length > 64) return undefined;
  const relative = /^(?:now)?([+-])(\d{1,9})([smhdw])$/i.exec(text);
  if (relative !== null || text.toLowerCase() === "now") {
    const amount = relative === null ? 0 : Number(relative[2]) * (unitMs[(relative[3] ?? "s").toLowerCase()] ?? 0);
    const ms = relative?.[1] === "-" ? nowMs - amount : nowMs + amount;
    if (ms < -62_167_219_200_000 || ms >= 253_402_300_800_000) return undefined;
    const from = timeText(ms);
    return { from, before: nextInstant(from) };
  }
  const instant = normalInstant(text);
  if (instant !== undefined) return { from: instant, before: nextInstant(instant) };
  return calendarPeriod(text);
}
