import { fromWallClock, isZone, type NativeTime, readEpoch } from "../../adapt/index.ts";

/** A moment as the log states it, or why it is not known. */
export type LogTime =
  | { readonly ok: true; readonly time: NativeTime; readonly tz: "stated" | "assumed" }
  | { readonly ok: false; readonly problem: string };

export type ReadLogTime = (text: string) => LogTime;

const WALL_CLOCK = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (.+)$/;
/** Zones without a name of their own are written as their offset. */
const NUMERIC = /^([+-])(\d\d)(?::?(\d\d))?$/;
const STATED: ReadonlySet<string> = new Set(["UTC", "GMT", "Z"]);

/** What `timeZone` says: the zone of the whole log, or offsets of abbreviations. @returns undefined for anything else */
export function parseZones(option: string): string | ReadonlyMap<string, string> | undefined {
  if (!option.includes("=")) return isZone(option) ? option : undefined;
  const zones = new Map<string, string>();
  for (const part of option.split(/[ ,]+/).filter((text) => text !== "")) {
    const [, name = "", offset = ""] = /^([A-Za-z]{1,10})=([+-]\d\d:\d\d)$/.exec(part) ?? [];
    if (name === "") return undefined;
    zones.set(name, offset);
  }
  return zones;
}

/**
 * Reads times of the log. An abbreviation such as CST or IST means several zones: other than UTC and GMT it is refused unless
 * the option says what it stands for.
 */
export function makeTimeReader(option: string | undefined): ReadLogTime {
  const zones = option === undefined ? undefined : parseZones(option);
  let last: readonly [text: string, time: LogTime] | undefined;
  // Messages of the same millisecond follow each other, and a session's start comes again and again.
  return (text) => {
    if (last?.[0] !== text) last = [text, readLogTime(text, zones)];
    return last[1];
  };
}

function readLogTime(text: string, zones: ReturnType<typeof parseZones>): LogTime {
  const epoch = text.includes(":") ? undefined : readEpoch(text, "s");
  if (epoch !== undefined) return { ok: true, time: epoch, tz: "stated" };
  const parts = WALL_CLOCK.exec(text);
  if (parts === null) return { ok: false, problem: "is no time of a PostgreSQL log" };
  const [, year, month, day, hour, minute, second, fraction, abbreviation = ""] = parts;
  const numeric = NUMERIC.exec(abbreviation);
  const stated = STATED.has(abbreviation)
    ? "UTC"
    : numeric === null
      ? undefined
      : `${numeric[1]}${numeric[2]}:${numeric[3] ?? "00"}`;
  const zone = stated ?? (typeof zones === "string" ? zones : zones?.get(abbreviation));
  if (zone === undefined) {
    return { ok: false, problem: `is in the zone ${abbreviation}, which may be any of several` };
  }
  const clock = {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    ...(fraction === undefined ? {} : { fraction }),
  };
  const time = fromWallClock(clock, zone);
  if (time === undefined) return { ok: false, problem: "is no date that exists" };
  return { ok: true, time, tz: stated === undefined ? "assumed" : "stated" };
}
