import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { toLine } from "../../record-bytes.ts";
import { withoutEnd } from "./frames.ts";
import { kernelDrops } from "./kernel-drops.ts";
import { addressRefused } from "./listen-on.ts";
import { type ListenerParts, MAX_MESSAGE_BYTES, type SyslogListener } from "./listener.ts";
import { MessageReader } from "./message-reader.ts";

/** Asked of the kernel, which gives at most net.core.rmem_max: room for bursts. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
const TICK_MS = 1_000;

/**
 * Takes syslog over UDP (RFC 5426): a datagram is a message. Nothing holds a sender back: what comes while too much waits is lost, as is
 * what the kernel has no room for; both are counted, and the next event says `origin.lossy`.
 *
 * @throws EvidentError `config_invalid` when the address cannot be used
 */
export async function listenUdp(parts: ListenerParts): Promise<SyslogListener> {
  const { delivery, events, listen, log, sender } = parts;
  const reader = new MessageReader(parts);
  const type = isIPv6(listen.host) ? "udp6" : "udp4";
  const socket = createSocket({ type, recvBufferSize: SOCKET_BUFFER_BYTES });
  let count = 0;
  let isIdle = true;
  const lose = (why: string, messages: number): void => {
    events.lost("syslog", why, messages);
    reader.noteLoss();
  };
  socket.on("message", (bytes: Buffer, _from: RemoteInfo) => {
    isIdle = false;
    events.bytes("syslog", bytes.length);
    if (delivery.isFull) {
      lose("busy", 1);
      return;
    }
    count += 1;
    reader.take(toLine(bytes, count, bytes.length, MAX_MESSAGE_BYTES).map(withoutEnd));
  });
  const port = await bind(socket, parts);
  socket.on("error", (cause) => log.error({ receiver: sender.name, err: cause }, "receiving failed"));
  let dropsBefore = kernelDrops(type, port) ?? 0;
  const timer = setInterval(() => {
    const drops = kernelDrops(type, port) ?? dropsBefore;
    if (drops > dropsBefore) {
      lose("kernel", drops - dropsBefore);
      log.warn({ receiver: sender.name, datagrams: drops - dropsBefore }, "the kernel dropped datagrams");
    }
    dropsBefore = drops;
    if (isIdle) reader.end();
    isIdle = true;
  }, TICK_MS);
  return {
    port,
    async close() {
      clearInterval(timer);
      await new Promise<void>((resolve) => socket.close(resolve));
      reader.end();
    },
  };
}

async function bind(socket: Socket, parts: ListenerParts): Promise<number> {
  const { host, port } = parts.listen;
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: unknown): void => reject(addressRefused(parts, cause));
    socket.once("error", refuse);
    socket.bind({ address: host, port }, () => {
      socket.off("error", refuse);
      resolve();
    });
  });
  return socket.address().port;
}
