import { describe, expect, it } from "vitest";
import { canonicalNames, countryCode, readLooseTime, splitAddress } from "./index.ts";

describe("times without a zone", () => {
  it("are taken as UTC or the zone that is given, and say that it was assumed", () => {
    expect(readLooseTime("2022-03-22 14:21:53.225")).toEqual({
      occurred: "2022-03-22T14:21:53.225000000Z",
      precision: "ms",
      tz: "assumed",
    });
    expect(readLooseTime("2026-07-01T12:00:00", "Europe/Berlin")?.occurred).toBe("2026-07-01T10:00:00.000000000Z");
  });

  it("keep the zone that they state", () => {
    expect(readLooseTime("2022-03-22T14:21:53+02:00", "Asia/Tokyo")).toEqual({
      occurred: "2022-03-22T12:21:53.000000000Z",
      precision: "s",
    });
    expect(readLooseTime("2022-03-22 14:21:53 UTC")).not.toHaveProperty("tz");
  });

  it("are refused when they are no time", () => {
    for (const text of [
      "2023-09-20T23:00:000.000000Z",
      "2024-12-17 00:00:00000000",
      "2023-02-30 00:00:00",
      "",
      "now",
    ]) {
      expect(readLooseTime(text)).toBeUndefined();
    }
  });
});

describe("addresses", () => {
  it("are taken apart from their ports", () => {
    expect(splitAddress("192.0.2.1:4711")).toEqual({ ip: "192.0.2.1", port: 4711 });
    expect(splitAddress("[2001:db8::1]:443")).toEqual({ ip: "2001:db8::1", port: 443 });
    expect(splitAddress("[::1]")).toEqual({ ip: "::1" });
    expect(splitAddress("2001:db8::1")).toEqual({ ip: "2001:db8::1" });
    expect(splitAddress("fe80::1%eth0")).toEqual({ ip: "fe80::1" });
    expect(splitAddress("192.0.2.1:99999")).toEqual({ ip: "192.0.2.1" });
  });

  it("are no host names, and no number beyond a byte", () => {
    for (const text of ["localhost:22", "256.1.1.1", "null", "", "a".repeat(100), undefined]) {
      expect(splitAddress(text)).toBeUndefined();
    }
  });
});

describe("countries", () => {
  it("are codes, however they are named", () => {
    const names = ["United States", "united kingdom", "Germany", "Russian Federation", "FR", "Atlantis", undefined];
    expect(names.map(countryCode)).toEqual(["US", "GB", "DE", "RU", "FR", undefined, undefined]);
  });
});

describe("names of members", () => {
  it("are found in any case, and a member that has its name wins", () => {
    expect(canonicalNames({ EVENTTYPE: "x", uuid: "1", UUID: "2" }, ["eventType", "uuid", "other"])).toEqual({
      EVENTTYPE: "x",
      eventType: "x",
      uuid: "1",
      UUID: "2",
    });
    const same = { eventType: "x" };
    expect(canonicalNames(same, ["eventType"])).toBe(same);
  });
});
