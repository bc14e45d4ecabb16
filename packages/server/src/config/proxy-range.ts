import { BlockList, isIP } from "node:net";

/** Parses an address or CIDR range into the list; false when it is neither. */
function addRange(list: BlockList, text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  const family = version === 6 ? "ipv6" : "ipv4";
  if (bits === undefined) {
    list.addAddress(address, family);
    return true;
  }
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > (version === 6 ? 128 : 32)) return false;
  list.addSubnet(address, Number(bits), family);
  return true;
}

/** The first of the texts that is neither an IP address nor a CIDR range. */
export function findBadRange(ranges: readonly string[]): string | undefined {
  return ranges.find((range) => !addRange(new BlockList(), range));
}

/** A test of whether an address lies in one of the ranges. IPv4 addresses written as IPv6 count as IPv4. */
export function makeRangeTest(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) addRange(list, range);
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 6 ? "ipv6" : "ipv4");
  };
}

/** True for addresses that only this machine can reach. */
export const isLoopback: (address: string) => boolean = makeRangeTest(["127.0.0.0/8", "::1"]);
