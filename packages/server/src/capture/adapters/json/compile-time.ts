import { excerpt } from "@evident/core";
import { isObject, isZone, type LooseTime, readEpoch, readLooseTime, toText } from "../../adapt/index.ts";
import { checkNames } from "./check-names.ts";
import { compileCondition } from "./compile-condition.ts";
import { compileFirst } from "./compile-path.ts";
import type { Place } from "./place.ts";
import type { Scope } from "./scope.ts";
import { parseTimePattern } from "./time-pattern.ts";

/** Formats that have names; every other is a pattern. */
export const TIME_FORMATS = ["rfc3339", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns"] as const;
export const TIME_MEMBERS = ["path", "format", "zone", "when"] as const;

export type ReadTime = (scope: Scope) => LooseTime | undefined;

/**
 * Compiles a time of a mapping: a path whose text is RFC 3339, or a map with its format and with the zone of texts that state none, or a
 * list of these.
 */
export function compileTime(raw: unknown, place: Place): ReadTime {
  if (Array.isArray(raw) && !raw.every((each) => typeof each === "string")) {
    const reads = raw.map((each, index) => compileTime(each, place.at(index)));
    return (scope) => {
      for (const read of reads) {
        const time = read(scope);
        if (time !== undefined) return time;
      }
      return undefined;
    };
  }
  if (!isObject(raw)) {
    const select = compileFirst(raw, place);
    return (scope) => readLoose(toText(select(scope)));
  }
  checkNames(raw, TIME_MEMBERS, place);
  const select = compileFirst(raw["path"], place.at("path"));
  const test = raw["when"] === undefined ? undefined : compileCondition(raw["when"], place.at("when"));
  const parse = compileFormat(raw["format"] ?? "rfc3339", raw["zone"], place);
  return (scope) => {
    if (test?.(scope) === false) return undefined;
    const text = toText(select(scope));
    return text === undefined ? undefined : parse(text);
  };
}

/** A text that states no zone is no time unless the mapping says which zone it is in. */
function readLoose(text: string | undefined): LooseTime | undefined {
  const time = readLooseTime(text);
  return time?.tz === "assumed" ? undefined : time;
}

function compileFormat(format: unknown, zone: unknown, place: Place): (text: string) => LooseTime | undefined {
  const name = typeof zone === "string" && isZone(zone) ? zone : undefined;
  if (zone !== undefined && name === undefined) {
    place
      .at("zone")
      .report(
        `${excerpt(zone)} is no time zone`,
        "Write a name such as Europe/Berlin, an offset such as +02:00, or UTC.",
      );
  }
  switch (format) {
    case "rfc3339":
      return (text) => (name === undefined ? readLoose(text) : readLooseTime(text, name));
    case "epoch_s":
      return (text) => readEpoch(text, "s");
    case "epoch_ms":
      return (text) => readEpoch(text, "ms");
    case "epoch_us":
      return (text) => readEpoch(text, "us");
    case "epoch_ns":
      return (text) => readEpoch(text, "ns");
    case undefined:
    default:
      return compilePattern(format, name, place);
  }
}

function compilePattern(
  format: unknown,
  zone: string | undefined,
  place: Place,
): (text: string) => LooseTime | undefined {
  const at = place.at("format");
  const fix = `Write one of ${TIME_FORMATS.join(", ")}, or a pattern such as "yyyy-MM-dd HH:mm:ss.S Z".`;
  const pattern = typeof format === "string" ? parseTimePattern(format) : undefined;
  if (pattern?.ok !== true) {
    at.report(pattern === undefined ? "is no text" : `the pattern ${pattern.problem}`, fix);
    return () => undefined;
  }
  if (!pattern.hasZone && zone === undefined)
    at.report("states no zone", "Add zone, for example zone: UTC, or Z to the pattern.");
  return (text) => pattern.read(text, zone ?? "UTC");
}
