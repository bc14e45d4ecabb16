import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A connection on which a test says every byte itself. */
export interface RawClient {
  readonly socket: Socket;
  write(text: string | Uint8Array): void;
  /** What has come back so far. */
  received(): string;
  /** Waits until what came back matches. */
  until(pattern: RegExp, withinMs?: number): Promise<string>;
  /** Resolves when the server has ended or reset the connection. */
  readonly closed: Promise<void>;
}

/** Opens one. It ends with the test that called `socket.destroy()`, or with the server. */
export function openRawClient(url: string): RawClient {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.on("data", (part: Buffer) => {
    text += part.toString("latin1");
  });
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return {
    socket,
    write: (part) => void socket.write(part),
    received: () => text,
    closed,
    async until(pattern, withinMs = 10_000) {
      const end = performance.now() + withinMs;
      while (!pattern.test(text)) {
        if (performance.now() > end)
          throw new Error(`${String(pattern)} did not come; received: ${text.slice(0, 500)}`);
        await sleep(5);
      }
      return text;
    },
  };
}
