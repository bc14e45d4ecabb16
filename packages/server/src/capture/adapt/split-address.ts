/** An address with the port that stood behind it. */
export interface Address {
  readonly ip: string;
  readonly port?: number;
}

const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;
const IPV6 = /^[0-9a-f:.]*:[0-9a-f:.]*$/i;
const WITH_PORT = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/;

/**
 * Takes an address apart that may have a port: `192.0.2.1:4711`, `[2001:db8::1]:443`, `2001:db8::1`. A zone (`fe80::1%eth0`) is cut off.
 *
 * @returns undefined for what is no address, a host name for example
 */
export function splitAddress(text: string | undefined): Address | undefined {
  if (text === undefined || text.length > 64) return undefined;
  const withPort = WITH_PORT.exec(text);
  const host = (withPort === null ? text.replace(/^\[(.*)\]$/, "$1") : (withPort[1] ?? withPort[2] ?? "")).replace(
    /%.*$/s,
    "",
  );
  if (!isAddress(host)) return undefined;
  const port = Number(withPort?.[3] ?? Number.NaN);
  return port >= 0 && port <= 65_535 ? { ip: host, port } : { ip: host };
}

function isAddress(host: string): boolean {
  if (IPV4.test(host)) return host.split(".").every((part) => Number(part) <= 255);
  return host.length >= 2 && host.length <= 45 && IPV6.test(host);
}
