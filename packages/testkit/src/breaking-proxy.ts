import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy before a server, whose connections break. */
export interface BreakingProxy {
  readonly url: string;
  /** Connections so far. */
  connections(): number;
  close(): Promise<void>;
}

/**
 * Starts one on loopback. `bytesOf` says after how many bytes of answer the connection of this number (from 0) is reset; undefined: never.
 */
export async function startBreakingProxy(
  target: string,
  bytesOf: (connection: number) => number | undefined,
): Promise<BreakingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    const most = bytesOf(connections);
    connections += 1;
    const upstream = connect(Number(port), hostname);
    let passed = 0;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on("data", (part: Buffer) => void upstream.write(part));
    upstream.on("data", (part: Buffer) => {
      const rest = most === undefined ? part : part.subarray(0, Math.max(0, most - passed));
      passed += part.length;
      const isTaken = client.write(rest, () => {
        if (most !== undefined && passed >= most) client.resetAndDestroy();
      });
      if (isTaken) return;
      upstream.pause();
      client.once("drain", () => upstream.resume());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
