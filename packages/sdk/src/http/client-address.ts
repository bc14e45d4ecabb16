import { SdkError } from "../errors/index.ts";
import type { Source } from "../event/index.ts";
import { isWithin, type Network, parseIp, parseNetwork, plainIp } from "./ip-address.ts";

/**
 * Who may say where a request comes from. `false`: nobody, the network peer is the source and no header is read. A number: that many
 * proxies stand in front. A list: proxies with these addresses or networks. `{ header }`: the platform sets this header itself and removes
 * what a client sends in it, for example `cf-connecting-ip`.
 */
export type ProxyTrust = false | number | readonly string[] | { readonly header: string };

/** What the schema allows is 64; a chain this long is made up. */
const MAX_VIA = 16;

type Address = Pick<Source, "ip" | "ipTrust" | "via" | "port">;

/** The network peer of a request. */
export interface Peer {
  readonly ip?: string | undefined;
  readonly port?: number | undefined;
}

/** An entry of `X-Forwarded-For`: an address, perhaps with a port. */
function forwardedIp(text: string): string | undefined {
  const trimmed = text.trim();
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(trimmed)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(trimmed)?.[1];
  return plainIp(bare ?? trimmed);
}

function networksOf(trust: readonly string[]): readonly Network[] {
  return trust.map((text) => {
    const network = parseNetwork(text);
    if (network !== undefined) return network;
    throw new SdkError(
      "config_invalid",
      `trustProxy cannot hold ${JSON.stringify(text)}`,
      "Give addresses or networks.",
    );
  });
}

function peerAddress({ ip, port }: Peer): Address {
  const peer = plainIp(ip);
  return peer === undefined ? {} : { ip: peer, ...(port === undefined ? {} : { port }), ipTrust: "peer" };
}

type Header = (name: string) => string | undefined;

/** Goes from the peer backwards through the chain, as long as who added an entry is trusted. */
function walkBack(peer: Peer, header: Header, isTrusted: (ip: string | undefined, hop: number) => boolean): Address {
  const chain = (header("x-forwarded-for") ?? "").split(",").filter((entry) => entry.trim() !== "");
  let found = peerAddress(peer);
  let last: string | undefined = found.ip;
  let hop = 0;
  for (; chain.length > 0 && isTrusted(last, hop); hop += 1) {
    const ip = forwardedIp(chain.pop() ?? "");
    // A trusted proxy that adds something else than an address: what lies before it cannot be attributed.
    if (ip === undefined) break;
    last = ip;
    found = { ip, ipTrust: "forwarded" };
  }
  const via = chain.flatMap((entry) => forwardedIp(entry) ?? []).slice(-MAX_VIA);
  return via.length === 0 ? found : { ...found, via };
}

/**
 * Makes the function that tells where a request comes from.
 *
 * @returns `ip` with `ipTrust`; `via` is what the chain claims beyond the last trusted proxy
 * @throws SdkError `config_invalid` for what is no network
 */
export function clientAddress(trust: ProxyTrust): (peer: Peer, header: Header) => Address {
  if (trust === false) return peerAddress;
  if (typeof trust === "number") return (peer, header) => walkBack(peer, header, (_, hop) => hop < trust);
  if ("header" in trust) {
    return (peer, header) => {
      const ip = forwardedIp(header(trust.header.toLowerCase()) ?? "");
      return ip === undefined ? peerAddress(peer) : { ip, ipTrust: "forwarded" };
    };
  }
  const networks = networksOf(trust);
  const isTrusted = (ip: string | undefined): boolean => {
    const bytes = ip === undefined ? undefined : parseIp(ip);
    return bytes !== undefined && networks.some((network) => isWithin(bytes, network));
  };
  return (peer, header) => walkBack(peer, header, isTrusted);
}
