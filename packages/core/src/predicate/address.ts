/** A network: `bits` leading bits of `bytes` (4 or 16) are fixed. */
export interface Network {
  readonly bytes: readonly number[];
  readonly bits: number;
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = parts.map((part) => (/^(?:0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [at, group] of groups.entries()) {
    if (at === groups.length - 1 && group.includes(".")) {
      const tail = parseIpv4(group);
      if (tail === undefined) return undefined;
      bytes.push(...tail);
    } else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    } else return undefined;
  }
  return bytes;
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  const head = parseGroups(halves[0] ?? "");
  if (head === undefined || halves.length > 2) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  const tail = parseGroups(halves[1] ?? "");
  if (tail === undefined || head.length + tail.length > 14) return undefined;
  return [...head, ...Array.from({ length: 16 - head.length - tail.length }, () => 0), ...tail];
}

/** Bytes of an IPv4 (4) or IPv6 (16) address without zone; an IPv4-mapped IPv6 address is its IPv4 address. */
export function parseAddress(text: string): readonly number[] | undefined {
  if (text.length > 45) return undefined;
  if (!text.includes(":")) return parseIpv4(text);
  const bytes = parseIpv6(text);
  const mapped = bytes?.slice(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 255));
  return mapped ? bytes?.slice(12) : bytes;
}

/** `10.0.0.0/8`, `2001:db8::/32`, or an address for itself alone. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf("/");
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (bytes === undefined) return undefined;
  const wide = bytes.length * 8;
  if (slash < 0) return { bytes, bits: wide };
  const given = text.slice(slash + 1);
  const mapped = bytes.length === 4 && text.includes(":") ? 96 : 0;
  const bits = /^(?:0|[1-9]\d{0,2})$/.test(given) ? Number(given) - mapped : -1;
  return bits >= 0 && bits <= wide ? { bytes, bits } : undefined;
}

/** Whether the address lies in the network; addresses of the other family never do. */
export function inNetwork(network: Network, address: readonly number[]): boolean {
  if (address.length !== network.bytes.length) return false;
  const whole = network.bits >> 3;
  for (let at = 0; at < whole; at++) if (address[at] !== network.bytes[at]) return false;
  const rest = network.bits & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((address[whole] ?? 0) & mask) === ((network.bytes[whole] ?? 0) & mask);
}
