import { describe, expect, it } from "vitest";
import { clientAddress, type ProxyTrust } from "./client-address.ts";
import { plainIp } from "./ip-address.ts";

function addressOf(
  trust: ProxyTrust,
  peer: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): unknown {
  return clientAddress(trust)({ ip: peer, port: 4711 }, (name) => headers[name]);
}
const forwarded = (chain: string): Readonly<Record<string, string>> => ({ "x-forwarded-for": chain });

describe("where a request comes from", () => {
  it("is the network peer, whatever a header claims, unless proxies are configured", () => {
    expect(addressOf(false, "::ffff:192.0.2.1", forwarded("203.0.113.9"))).toEqual({
      ip: "192.0.2.1",
      port: 4711,
      ipTrust: "peer",
    });
    expect(addressOf(["10.0.0.0/8"], "192.0.2.1", forwarded("203.0.113.9"))).toEqual({
      ip: "192.0.2.1",
      port: 4711,
      ipTrust: "peer",
      via: ["203.0.113.9"],
    });
  });

  it.each<[ProxyTrust, string | undefined, string, unknown]>([
    [["10.0.0.0/8"], "10.1.2.3", "203.0.113.9", { ip: "203.0.113.9", ipTrust: "forwarded" }],
    [
      ["10.0.0.0/8"],
      "10.1.2.3",
      "198.51.100.1, 203.0.113.9",
      { ip: "203.0.113.9", ipTrust: "forwarded", via: ["198.51.100.1"] },
    ],
    [["10.0.0.0/8"], "::ffff:10.1.2.3", "203.0.113.9, 10.9.9.9", { ip: "203.0.113.9", ipTrust: "forwarded" }],
    [["10.0.0.0/8"], "10.1.2.3", "10.5.5.5", { ip: "10.5.5.5", ipTrust: "forwarded" }],
    [["2001:db8::/32"], "2001:db8::7", "[2001:db9::1]:443", { ip: "2001:db9::1", ipTrust: "forwarded" }],
    [["10.1.2.3"], "10.1.2.3", "203.0.113.9:1234", { ip: "203.0.113.9", ipTrust: "forwarded" }],
    [
      ["10.0.0.0/8"],
      "10.1.2.3",
      "203.0.113.9, unknown",
      { ip: "10.1.2.3", port: 4711, ipTrust: "peer", via: ["203.0.113.9"] },
    ],
    [1, "10.1.2.3", "198.51.100.1, 203.0.113.9", { ip: "203.0.113.9", ipTrust: "forwarded", via: ["198.51.100.1"] }],
    [2, "10.1.2.3", "198.51.100.1, 203.0.113.9", { ip: "198.51.100.1", ipTrust: "forwarded" }],
    [1, undefined, "203.0.113.9", { ip: "203.0.113.9", ipTrust: "forwarded" }],
    [5, "10.1.2.3", "", { ip: "10.1.2.3", port: 4711, ipTrust: "peer" }],
  ])("with proxies %j, from %s with %j", (trust, peer, chain, expected) => {
    expect(addressOf(trust, peer, forwarded(chain))).toEqual(expected);
  });

  it("is what the platform's header says, where that is configured", () => {
    const trust = { header: "CF-Connecting-IP" };
    expect(addressOf(trust, "10.1.2.3", { "cf-connecting-ip": "203.0.113.9" })).toEqual({
      ip: "203.0.113.9",
      ipTrust: "forwarded",
    });
    expect(addressOf(trust, "10.1.2.3", { "cf-connecting-ip": "nonsense" })).toMatchObject({
      ip: "10.1.2.3",
      ipTrust: "peer",
    });
  });

  it("bounds a chain that is made up", () => {
    const { via } = addressOf(
      1,
      "10.1.2.3",
      forwarded(Array.from({ length: 5_000 }, () => "203.0.113.9").join(",")),
    ) as { via: string[] };
    expect(via).toHaveLength(16);
  });

  it("refuses what is no network", () => {
    for (const text of ["loopback", "10.0.0.0/33", "10.0.0.0/8/8", "", "::/129"])
      expect(() => clientAddress([text])).toThrow("trustProxy");
  });
});

describe("an address", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["fe80::1%eth0", "fe80::1"],
    ["2001:db8:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:1"],
    ["::", "::"],
    ["256.1.1.1", undefined],
    ["1.2.3", undefined],
    ["1:2:3", undefined],
    ["1::2::3", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%s is %s", (text, plain) => {
    expect(plainIp(text)).toBe(plain);
  });
});
