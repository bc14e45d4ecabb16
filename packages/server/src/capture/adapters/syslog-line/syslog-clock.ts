import { Type } from "typebox";
import { fromWallClock, isZone, type NativeTime, readTime } from "../../adapt/index.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DATE =
  /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: (\d{4}))?(?: ([A-Z]{3,4}))?$/;
const ISO = /^\d{4}-\d\d-\d\dT/;
const DAY_MS = 86_400_000;

/** Options of formats whose times have no year and no zone. */
export const clockOptions = {
  timezone: Type.Optional(
    Type.Refine(
      Type.String({
        description: "Zone of times without one, such as Europe/Berlin or +02:00. Absent: UTC is assumed.",
      }),
      isZone,
      () => "is no time zone",
    ),
  ),
  until: Type.Optional(
    Type.String({
      description:
        "The day until which the log was written, YYYY-MM-DD: a time without a year is the last such time before its end. Absent: today.",
      pattern: "^\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])$",
    }),
  ),
} as const;

/** The options as `clockOptions` checks them. */
export interface ClockOptions {
  readonly timezone?: string;
  readonly until?: string;
}

/** A time with what had to be assumed for it. */
export interface SyslogTime {
  readonly time: NativeTime;
  readonly tz: "stated" | "assumed";
  readonly warnings: readonly string[];
}

/** Reads the times of one input. */
export class SyslogClock {
  readonly #zone: string;
  readonly #isZoneGiven: boolean;
  readonly #untilMs: () => number;
  readonly #isYearGiven: boolean;
  #lastText = "";
  #last: SyslogTime | undefined;

  constructor({ timezone, until }: ClockOptions, nowMs: () => number) {
    this.#zone = timezone ?? "UTC";
    this.#isZoneGiven = timezone !== undefined;
    const endMs = until === undefined ? undefined : Date.parse(`${until}T00:00:00Z`) + DAY_MS;
    this.#isYearGiven = endMs !== undefined;
    // A clock may be ahead of ours by a zone.
    this.#untilMs = () => (endMs ?? nowMs()) + DAY_MS;
  }

  read(text: string): SyslogTime | undefined {
    if (text === this.#lastText) return this.#last;
    this.#lastText = text;
    this.#last = this.#parse(text);
    return this.#last;
  }

  #parse(text: string): SyslogTime | undefined {
    if (ISO.test(text)) {
      const stated = readTime(text.replace(",", ".").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
      return stated === undefined ? undefined : { time: stated, tz: "stated", warnings: [] };
    }
    const parts = DATE.exec(text);
    if (parts === null) return undefined;
    const [, month = "", day, yearBefore, hour, minute, second, fraction, yearAfter, zoneName] = parts;
    const year = yearBefore ?? yearAfter;
    const clock = {
      month: MONTHS.indexOf(month) + 1,
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      ...(fraction === undefined ? {} : { fraction }),
    };
    const isUtc = zoneName === "UTC" || zoneName === "GMT";
    const zone = isUtc ? "UTC" : this.#zone;
    const time =
      year === undefined ? this.#lastBefore(clock, zone) : fromWallClock({ year: Number(year), ...clock }, zone);
    if (time === undefined) return undefined;
    const warnings = isUtc || this.#isZoneGiven ? [] : ["tz:assumed"];
    if (year === undefined && !this.#isYearGiven) warnings.push("year:assumed");
    return { time, tz: isUtc ? "stated" : "assumed", warnings };
  }

  /** The last time with this date that is not after the end of the log; 29 February may lie some years back. */
  #lastBefore(clock: Omit<Parameters<typeof fromWallClock>[0], "year">, zone: string): NativeTime | undefined {
    const untilMs = this.#untilMs();
    const thisYear = new Date(untilMs).getUTCFullYear();
    for (let year = thisYear; year > thisYear - 9; year -= 1) {
      const time = fromWallClock({ year, ...clock }, zone);
      if (time !== undefined && Date.parse(`${time.occurred.slice(0, 19)}Z`) < untilMs) return time;
    }
    return undefined;
  }
}
