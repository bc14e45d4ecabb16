import { assert, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { fromWallClock, isZone, readEpoch, readTime, type WallClock } from "./native-time.ts";

const noon: WallClock = { year: 2026, month: 3, day: 29, hour: 12, minute: 0, second: 0 };

function at(clock: Partial<WallClock>, zone: string): string | undefined {
  return fromWallClock({ ...noon, ...clock }, zone)?.occurred;
}

describe("reading times of native records", () => {
  it.each([
    ["2026-05-17T10:05:03Z", "2026-05-17T10:05:03.000000000Z", "s"],
    ["2026-05-17T10:05:03.12+02:00", "2026-05-17T08:05:03.120000000Z", "ms"],
    ["2026-05-17T10:05:03.1234-00:30", "2026-05-17T10:35:03.123400000Z", "us"],
    ["2026-05-17T10:05:03.12345678912345Z", "2026-05-17T10:05:03.123456789Z", "ns"],
    ["2026-06-30T23:59:60Z", "2026-06-30T23:59:59.999999999Z", "s"],
  ])("takes %s", (text, occurred, precision) => {
    expect(readTime(text)).toEqual({ occurred, precision });
  });

  it.each(["2026-05-17T10:05:03", "2026-02-30T10:05:03Z", "yesterday", "", "2026-05-17", "1779000000"])(
    "refuses %s",
    (text) => {
      expect(readTime(text)).toBeUndefined();
    },
  );

  it.each([
    [1_779_012_303, "s", "2026-05-17T10:05:03.000000000Z", "s"],
    ["1779012303.123", "s", "2026-05-17T10:05:03.123000000Z", "ms"],
    [1_779_012_303_123, "ms", "2026-05-17T10:05:03.123000000Z", "ms"],
    ["1779012303123456", "us", "2026-05-17T10:05:03.123456000Z", "us"],
    ["1779012303123456789", "ns", "2026-05-17T10:05:03.123456789Z", "ns"],
    ["0", "ns", "1970-01-01T00:00:00.000000000Z", "ns"],
    ["7", "ms", "1970-01-01T00:00:00.007000000Z", "ms"],
  ] as const)("counts %s %s since 1970", (count, unit, occurred, precision) => {
    expect(readEpoch(count, unit)).toEqual({ occurred, precision });
  });

  it.each(["-1", "1e9", "abc", "", undefined, "99999999999999", 1.5e21])("refuses the count %s", (count) => {
    expect(readEpoch(count, "s")).toBeUndefined();
  });
});

describe("turning a wall clock into a moment", () => {
  it("knows offsets, UTC and named zones in summer and winter", () => {
    expect(at({}, "+0200")).toBe("2026-03-29T10:00:00.000000000Z");
    expect(at({}, "-05:30")).toBe("2026-03-29T17:30:00.000000000Z");
    expect(at({}, "UTC")).toBe(at({}, "Z"));
    expect(at({}, "Europe/Berlin")).toBe("2026-03-29T10:00:00.000000000Z");
    expect(at({ day: 28 }, "Europe/Berlin")).toBe("2026-03-28T11:00:00.000000000Z");
    expect(at({ fraction: "5" }, "Asia/Kathmandu")).toBe("2026-03-29T06:15:00.500000000Z");
  });

  it("takes the earlier of an hour that is repeated, and moves one that is left out", () => {
    const autumn = { month: 10, day: 25, hour: 2, minute: 30 };
    expect(at(autumn, "Europe/Berlin")).toBe("2026-10-25T00:30:00.000000000Z");
    const spring = { hour: 2, minute: 30 };
    expect(at(spring, "Europe/Berlin")).toBe("2026-03-29T01:30:00.000000000Z");
    expect(at({ month: 11, day: 1, hour: 1, minute: 30 }, "America/New_York")).toBe("2026-11-01T05:30:00.000000000Z");
    expect(at({ month: 3, day: 8, hour: 2, minute: 30 }, "America/New_York")).toBe("2026-03-08T07:30:00.000000000Z");
    // The change of half an hour, on the other half of the world.
    expect(at({ month: 4, day: 5, hour: 1, minute: 45 }, "Australia/Lord_Howe")).toBe("2026-04-04T14:45:00.000000000Z");
  });

  it("refuses dates and zones that do not exist", () => {
    for (const clock of [
      { month: 2, day: 30 },
      { month: 13 },
      { day: 0 },
      { hour: 24 },
      { minute: 60 },
      { second: 61 },
      { hour: Number.NaN },
    ]) {
      expect(at(clock, "UTC")).toBeUndefined();
    }
    expect(at({ second: 60 }, "UTC")).toBe("2026-03-29T12:00:59.999999999Z");
    for (const zone of ["Mars/Olympus", "", "CEST+1", "\u0000", "__proto__"])
      expect([zone, isZone(zone)]).toEqual([zone, false]);
    expect(isZone("Europe/Berlin") && isZone("+01:00") && isZone("UTC")).toBe(true);
  });

  it("gives back the moment that a zone shows as this wall clock, at any time of 60 years", () => {
    for (const zone of [
      "Europe/Berlin",
      "America/New_York",
      "Australia/Lord_Howe",
      "Pacific/Apia",
      "Africa/Casablanca",
    ]) {
      const format = new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      });
      const shown = (atMs: number): WallClock => {
        const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
        const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
        return { year, month, day, hour, minute, second };
      };
      assert(
        property(integer({ min: 0, max: 60 * 365 * 24 * 4 }), (quarters) => {
          const atMs = quarters * 900_000;
          const found = fromWallClock(shown(atMs), zone)?.occurred ?? "";
          const foundMs = Date.parse(`${found.slice(0, 19)}Z`);
          // The same moment, or an earlier one that shows the same clock.
          expect(shown(foundMs)).toEqual(shown(atMs));
          expect(foundMs).toBeLessThanOrEqual(atMs);
        }),
        { numRuns: 60 },
      );
    }
  });
});
