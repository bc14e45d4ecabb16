/** An address as 16 bytes; IPv4 in the form `::ffff:a.b.c.d`. */
export type IpBytes = readonly number[];

const PREFIX_V4 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

function parseV4(text: string): readonly number[] | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (parts === undefined || parts.some((part) => Number(part) > 255 || (part.length > 1 && part.startsWith("0"))))
    return undefined;
  return parts.map(Number);
}

function parseGroups(text: string): readonly number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [place, group] of groups.entries()) {
    const v4 = place === groups.length - 1 ? parseV4(group) : undefined;
    if (v4 !== undefined) bytes.push(...v4);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}

/** An IPv4 or IPv6 address without zone, brackets or port; undefined for anything else. */
export function parseIp(text: string): IpBytes | undefined {
  if (text.length > 45) return undefined;
  const v4 = parseV4(text);
  if (v4 !== undefined) return [...PREFIX_V4, ...v4];
  const [head = "", tail, ...more] = text.split("::");
  const [front, back] = [parseGroups(head), parseGroups(tail ?? "")];
  if (!text.includes(":") || more.length > 0 || front === undefined || back === undefined) return undefined;
  const missing = 16 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...front, ...Array.from({ length: missing }, () => 0), ...back];
}

/** The plain form of an address: without the zone, and IPv4 as such where a socket gives `::ffff:192.0.2.1`; undefined for what is none. */
export function plainIp(text: string | undefined): string | undefined {
  const bare = (text ?? "").trim().replace(/%.*$/, "");
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  const plain = v4 ?? bare;
  return parseIp(plain) === undefined ? undefined : plain;
}

/** A network such as `10.0.0.0/8`, `2001:db8::/32` or one address. */
export interface Network {
  readonly bytes: IpBytes;
  readonly bits: number;
}

/** A network from its text; undefined for what is none. */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", length, ...more] = text.split("/");
  const bytes = parseIp(address);
  if (bytes === undefined || more.length > 0) return undefined;
  const offset = address.includes(":") ? 0 : 96;
  const bits = length === undefined ? 128 : offset + (/^\d{1,3}$/.test(length) ? Number(length) : 999);
  return bits > 128 ? undefined : { bytes, bits };
}

/** Whether an address lies in a network. */
export function isWithin(address: IpBytes, { bytes, bits }: Network): boolean {
  for (let at = 0, left = bits; left > 0; at += 1, left -= 8) {
    const shift = Math.max(0, 8 - left);
    if ((address[at] ?? 0) >> shift !== (bytes[at] ?? 0) >> shift) return false;
  }
  return true;
}
