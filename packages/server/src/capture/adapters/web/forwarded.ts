import { BlockList, isIP } from "node:net";

/** Networks whose word about the client's address counts. */
export type TrustedProxies = (address: string) => boolean;

/** Whether a text is an address or a network such as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** @param networks each passes `isNetwork` */
export function trustProxies(networks: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 6 ? "ipv6" : "ipv4");
  };
}

/** Where a request came from, and the addresses that its headers claim beyond that, nearest the client first. */
export interface ClientAddress {
  readonly ip: string;
  readonly ipTrust: "peer" | "forwarded";
  readonly via: readonly string[];
}

/** The addresses of `X-Forwarded-For`, client first; ports and IPv6 brackets are taken off. */
export function splitForwarded(header: string | undefined): readonly string[] {
  if (header === undefined) return [];
  return header
    .slice(0, 4_096)
    .split(",")
    .map((part) => plainAddress(part.trim()))
    .filter((part) => isIP(part) !== 0);
}

function plainAddress(text: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  if (bracketed !== undefined) return bracketed;
  return /^\d{1,3}(?:\.\d{1,3}){3}:\d+$/.test(text) ? text.slice(0, text.indexOf(":")) : text;
}

/**
 * The client behind proxies: walks the forwarded addresses from the nearest one, as long as the one before is a trusted proxy. Without
 * trust the peer is the client, and the rest what it claims.
 */
export function findClient(peer: string, forwarded: readonly string[], isTrusted: TrustedProxies): ClientAddress {
  let ip = peer;
  let at = forwarded.length;
  while (at > 0 && isTrusted(ip)) {
    at -= 1;
    ip = forwarded[at] ?? ip;
  }
  const via = forwarded.slice(0, at);
  return { ip, ipTrust: at === forwarded.length ? "peer" : "forwarded", via };
}
