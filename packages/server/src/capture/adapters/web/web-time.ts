import { fromWallClock, type NativeTime, readEpoch, readTime } from "../../adapt/index.ts";
import type { WebRecord } from "./web-record.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** `17/May/2015:10:05:03 +0000`, with a fraction in some servers. */
const TIME_LOCAL = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: ([+-]\d{4}))?$/;

/** Reads the time of an access log; without a zone in it, `zone` counts. */
export function readTimeLocal(text: string, zone: string): NativeTime | undefined {
  const parts = TIME_LOCAL.exec(text);
  if (parts === null) return undefined;
  const [, day, month = "", year, hour, minute, second, fraction, offset] = parts;
  const clock = {
    year: Number(year),
    month: MONTHS.indexOf(month) + 1,
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    ...(fraction === undefined ? {} : { fraction }),
  };
  return fromWallClock(clock, offset ?? zone);
}

/** Whether a time of an access log states its zone. */
export function hasZone(text: string): boolean {
  return / [+-]\d{4}$/.test(text);
}

/** Reads the times of one input, whose neighbouring lines mostly have the same. */
export class WebClock {
  readonly #zone: string;
  #lastText = "";
  #last: NativeTime | undefined;

  constructor(zone: string) {
    this.#zone = zone;
  }

  /** The most exact time that the record states. */
  read({ msec, time_iso8601, time_local }: WebRecord): NativeTime | undefined {
    if (msec !== undefined && msec !== "-") return readEpoch(msec, "s");
    const text = time_iso8601 ?? time_local ?? "";
    if (text === this.#lastText) return this.#last;
    this.#lastText = text;
    this.#last =
      time_iso8601 === undefined
        ? readTimeLocal(text, this.#zone)
        : readTime(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
    return this.#last;
  }
}
