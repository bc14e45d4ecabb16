import { readFileSync } from "node:fs";

/**
 * Datagrams that the kernel has dropped for want of room, over the UDP sockets of a port, since they were opened; undefined where it does
 * not say (other systems than Linux).
 */
export function kernelDrops(type: "udp4" | "udp6", port: number): number | undefined {
  let table: string;
  try {
    table = readFileSync(type === "udp4" ? "/proc/net/udp" : "/proc/net/udp6", "latin1");
  } catch {
    return undefined;
  }
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  let drops: number | undefined;
  // Columns: sl, local address:port in hex, ... the last is the count of drops.
  for (const row of table.split("\n").slice(1)) {
    const columns = row.trim().split(/\s+/);
    if (columns[1]?.endsWith(`:${hexPort}`) !== true) continue;
    drops = (drops ?? 0) + Number(columns.at(-1));
  }
  return drops;
}
