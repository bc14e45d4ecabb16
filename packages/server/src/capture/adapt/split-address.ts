import { isIP } from "node:net";

/** An address with the port that stood behind it. */
export interface Address {
  readonly ip: string;
  readonly port?: number;
}

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
  // `251.234.045.249` is none: what the zero means differs from system to system.
  if (isIP(host) === 0) return undefined;
  const port = Number(withPort?.[3] ?? Number.NaN);
  return port >= 0 && port <= 65_535 ? { ip: host, port } : { ip: host };
}
