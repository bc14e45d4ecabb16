import { describe, expect, it } from "vitest";
import { makeTimeReader, parseZones } from "./log-time.ts";

function occurred(text: string, option?: string): unknown {
  const read = makeTimeReader(option)(text);
  return read.ok ? [read.time.occurred, read.time.precision, read.tz] : read.problem;
}

describe("times of the log", () => {
  it("are read in UTC, at an offset, and as seconds since 1970", () => {
    expect(occurred("2026-11-25 09:30:00.123 UTC")).toEqual(["2026-11-25T09:30:00.123000000Z", "ms", "stated"]);
    expect(occurred("2026-11-25 09:30:00 GMT")).toEqual(["2026-11-25T09:30:00.000000000Z", "s", "stated"]);
    expect(occurred("2026-11-25 09:30:00.5 -03")).toEqual(["2026-11-25T12:30:00.500000000Z", "ms", "stated"]);
    expect(occurred("2026-11-25 09:30:00.123 +0545")).toEqual(["2026-11-25T03:45:00.123000000Z", "ms", "stated"]);
    expect(occurred("1764063000.123")).toEqual(["2025-11-25T09:30:00.123000000Z", "ms", "stated"]);
  });

  it("with an abbreviation are refused unless the option says what it means", () => {
    const summer = "2026-07-01 09:30:00.123 CEST";
    expect(occurred(summer)).toMatch(/zone CEST/);
    expect(occurred(summer, "Europe/Berlin")).toEqual(["2026-07-01T07:30:00.123000000Z", "ms", "assumed"]);
    expect(occurred(summer, "CET=+01:00,CEST=+02:00")).toEqual(["2026-07-01T07:30:00.123000000Z", "ms", "assumed"]);
    expect(occurred(summer, "CET=+01:00")).toMatch(/zone CEST/);
    // In the hour that comes twice only the abbreviation tells.
    expect(occurred("2026-10-25 02:30:00.000 CET", "CET=+01:00,CEST=+02:00")).toMatchObject({
      0: "2026-10-25T01:30:00.000000000Z",
    });
  });

  it("that do not exist are refused, as are options that are no zones", () => {
    expect(occurred("2026-02-30 09:30:00.123 UTC")).toBe("is no date that exists");
    expect(occurred("yesterday")).toBe("is no time of a PostgreSQL log");
    expect(parseZones("Mars/Base")).toBeUndefined();
    expect(parseZones("CET=1")).toBeUndefined();
  });
});
