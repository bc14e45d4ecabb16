import { describe, expect, it } from "vitest";
import { parseTimePattern } from "./time-pattern.ts";

function read(pattern: string, text: string, zone = "UTC"): string | undefined {
  const parsed = parseTimePattern(pattern);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.read(text, zone)?.occurred;
}

describe("time patterns", () => {
  it.each([
    ["yyyy-MM-dd HH:mm:ss.S Z", "2026-11-24 09:30:00.123 +0200", "2026-11-24T07:30:00.123000000Z"],
    ["yyyy-MM-dd'T'HH:mm:ss.SSSSSSZ", "2026-11-24T09:30:00.123456Z", "2026-11-24T09:30:00.123456000Z"],
    ["dd/MMM/yyyy:HH:mm:ss Z", "24/Nov/2026:09:30:00 +0000", "2026-11-24T09:30:00.000000000Z"],
    ["M/d/yyyy h:mm:ss a", "3/4/2026 1:05:09 PM", "2026-03-04T13:05:09.000000000Z"],
    ["M/d/yyyy hh:mm:ss a", "3/4/2026 12:05:09 am", "2026-03-04T00:05:09.000000000Z"],
    ["'at' yyyy.MM.dd", "at 2026.03.04", "2026-03-04T00:00:00.000000000Z"],
  ])("%s reads %s", (pattern, text, expected) => {
    expect(read(pattern, text)).toBe(expected);
  });

  it("take the zone that is given for texts without one, and say that it was assumed", () => {
    const parsed = parseTimePattern("yyyy-MM-dd HH:mm");
    expect(parsed.ok && parsed.read("2026-07-01 12:00", "Europe/Berlin")).toEqual({
      occurred: "2026-07-01T10:00:00.000000000Z",
      precision: "s",
      tz: "assumed",
    });
  });

  it.each(["2026-02-30 00:00", "2026-11-24 25:00", "2026-11-24", "2026-11-24 09:30 more", "24.11.2026 09:30", ""])(
    "refuse %s",
    (text) => {
      expect(read("yyyy-MM-dd HH:mm", text)).toBeUndefined();
    },
  );

  it.each([
    ["yyyy-MM", "no day"],
    ["yy-MM-dd", "yy, which is not known"],
    ["yyyy-MM-dd hh:mm", "both h and a"],
    ["yyyy-MM-dd 'at", "quote that does not end"],
  ])("%s is refused: %s", (pattern, problem) => {
    const parsed = parseTimePattern(pattern);
    expect(parsed.ok ? "" : parsed.problem).toContain(problem);
  });
});
