import { fromWallClock, type NativeTime, readTime } from "./native-time.ts";

/** A moment, and whether its zone had to be assumed. */
export interface LooseTime extends NativeTime {
  readonly tz?: "assumed";
}

const NO_ZONE = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,12}))?(?: ?UTC)?$/;

/**
 * Reads an RFC 3339 time, or one without a zone, as data lakes store them (`2024-12-16 16:32:16.087554000`): its zone is assumed.
 *
 * @param zone of times without one, as for `fromWallClock`
 * @returns undefined for anything else
 */
export function readLooseTime(text: string | undefined, zone = "UTC"): LooseTime | undefined {
  const stated = readTime(text);
  if (stated !== undefined || text === undefined) return stated;
  const parts = NO_ZONE.exec(text);
  if (parts === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const fraction = (parts[7] ?? "").slice(0, 9);
  const time = fromWallClock({ year, month, day, hour, minute, second, fraction }, zone);
  if (time === undefined) return undefined;
  return text.endsWith("UTC") ? time : { ...time, tz: "assumed" };
}
