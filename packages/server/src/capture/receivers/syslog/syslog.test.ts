import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { EvidentError } from "@evident/core";
import { makeCertificates, makeTemporaryDirectory, openReceivingServer, type ReceivingServer } from "@evident/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

const directory = makeTemporaryDirectory("syslog");
const certificates = makeCertificates(directory.path);
const { cert, key, ca, clientCert, clientKey } = certificates;
const to = { source: "hosts", options: { other: "all" } };
let running: ReceivingServer;
let urls: readonly URL[];
const sockets: Socket[] = [];

beforeAll(async () => {
  const syslog = [
    { listen: "udp://127.0.0.1:0", trail: "udp", tenant: "default", ...to },
    { listen: "tcp://127.0.0.1:0", trail: "tcp", tenant: "default", ...to },
    { listen: "tls://127.0.0.1:0", trail: "tls", tenant: "default", cert, key, ...to },
    { listen: "tls://127.0.0.1:0", trail: "mutual", tenant: "default", cert, key, ca, ...to },
  ];
  running = await openReceivingServer(directory.path, { receivers: { syslog } });
  urls = running.server.syslogUrls.map((url) => new URL(url));
});
afterAll(async () => {
  await running.server.close();
  directory[Symbol.dispose]();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const message = (i: number): string =>
  `<38>1 2026-11-25T10:00:00.${String(i).padStart(6, "0")}Z web-1 sshd 4711 - - Accepted publickey for user${i} from 203.0.113.9 port ${1024 + (i % 60_000)} ssh2: ED25519 SHA256:x`;
const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, i) => from + i);

async function plain(at: number): Promise<Socket> {
  const socket = connectPlain(Number(urls[at]?.port), "127.0.0.1");
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

async function actorsOf(trail: string): Promise<readonly string[]> {
  const entries = await running.entries(trail);
  return entries.map(({ event }) => (event as { actor: { id: string } } | undefined)?.actor.id ?? "");
}

describe("syslog over TCP", () => {
  it("stores messages in order, as often as they were sent, whatever their frames", async () => {
    const socket = await plain(1);
    const sent = [...range(0, 50), 7, 7];
    for (const i of sent)
      socket.write(i % 2 === 0 ? `${message(i)}\n` : `${Buffer.byteLength(message(i))} ${message(i)}`);
    await running.waitForSize("tcp", sent.length);
    expect(await actorsOf("tcp")).toEqual(sent.map((i) => `user${i}`));
    const [entry] = await running.entries("tcp");
    expect(entry).toMatchObject({
      event: { action: { op: "AUTH" }, source: { ip: "203.0.113.9" }, origin: { source: "hosts", tenant: "default" } },
    });
  });

  it("gives half a message to quarantine when the connection ends in it, and what is no syslog", async () => {
    const before = await running.size("tcp");
    const whole = await plain(1);
    whole.end(`${message(1)}\nnot syslog\n${message(2).slice(0, 60)}`);
    await running.waitForSize("tcp", before + 3);
    const cut = await plain(1);
    cut.write(`900 ${message(3)}`);
    await running.waitForSize("tcp", before + 3);
    await new Promise((resolve) => setTimeout(resolve, 100));
    cut.resetAndDestroy();
    await running.waitForSize("tcp", before + 4);
    const entries = (await running.entries("tcp")).slice(before);
    expect(entries.map(({ kind }) => kind)).toEqual(["event", "quarantine", "quarantine", "quarantine"]);
    expect(entries[3]).toMatchObject({
      quarantine: { why: "unreadable", adapter: "syslog", source: "hosts", sizeBytes: Buffer.byteLength(message(3)) },
    });
    expect(JSON.stringify(entries[2])).toContain("the connection ended before the message did");
  });

  it("reads a fast sender as fast as it can store, without losing a message", async () => {
    const before = await running.size("tcp");
    const socket = await plain(1);
    for (const i of range(0, 100))
      socket.write(
        `${range(i * 300, (i + 1) * 300)
          .map(message)
          .join("\n")}\n`,
      );
    socket.end();
    await running.waitForSize("tcp", before + 30_000, 60_000);
    const actors = (await actorsOf("tcp")).slice(before);
    expect(actors).toEqual(range(0, 30_000).map((i) => `user${i}`));
  });

  it("counts connections, also those that send nothing", async () => {
    const idle = await Promise.all(range(0, 20).map(() => plain(1)));
    await expect.poll(() => running.metric("evident_receiver_connections", "syslog")).toBe(20);
    for (const socket of idle) socket.end();
    await expect.poll(() => running.metric("evident_receiver_connections", "syslog")).toBe(0);
    expect(await running.metric("evident_receiver_lines_total", 'receiver="syslog",status="stored"')).toBeGreaterThan(
      30_000,
    );
  });
});

describe("syslog over UDP", () => {
  it("takes a datagram as a message", async () => {
    const socket = createSocket("udp4");
    const port = Number(urls[0]?.port);
    for (const i of range(0, 200)) {
      await new Promise((resolve) => socket.send(message(i), port, "127.0.0.1", resolve));
    }
    await new Promise((resolve) => socket.send(Buffer.from([0xff, 0xfe]), port, "127.0.0.1", resolve));
    socket.close();
    await running.waitForSize("udp", 201);
    expect(await actorsOf("udp")).toEqual([...range(0, 200).map((i) => `user${i}`), ""]);
    expect((await running.entries("udp")).at(-1)).toMatchObject({ kind: "quarantine" });
  });
});

describe("syslog over TLS", () => {
  it("is encrypted with the receiver's certificate", async () => {
    const socket = connectTls({
      port: Number(urls[2]?.port),
      host: "127.0.0.1",
      servername: "localhost",
      ca: readFileSync(ca),
    });
    sockets.push(socket);
    await once(socket, "secureConnect");
    for (const i of range(0, 20)) socket.write(`${Buffer.byteLength(message(i))} ${message(i)}`);
    await running.waitForSize("tls", 20);
    socket.end();
    expect(await actorsOf("tls")).toEqual(range(0, 20).map((i) => `user${i}`));
  });

  it("takes only clients of the authority where one is named", async () => {
    const options = { port: Number(urls[3]?.port), host: "127.0.0.1", servername: "localhost", ca: readFileSync(ca) };
    const stranger = connectTls(options);
    sockets.push(stranger);
    stranger.on("error", () => undefined);
    await new Promise((resolve) => stranger.once("close", resolve));
    const known = connectTls({ ...options, cert: readFileSync(clientCert), key: readFileSync(clientKey) });
    sockets.push(known);
    await once(known, "secureConnect");
    known.write(`${message(1)}\n`);
    await running.waitForSize("mutual", 1);
    expect(await running.metric("evident_receiver_losses_total", "handshake")).toBe(1);
  });

  it("refuses who speaks plainly, and goes on", async () => {
    const socket = await plain(2);
    socket.on("error", () => undefined);
    socket.write(`${message(1)}\n`.repeat(10));
    await new Promise((resolve) => socket.once("close", resolve));
    expect(await running.size("tls")).toBe(20);
  });
});

describe("a server that stops", () => {
  it("stores what it has read, and the rest of a message that was cut", async () => {
    using own = makeTemporaryDirectory("syslog-stop");
    const syslog = [{ listen: "tcp://127.0.0.1:0", trail: "main", source: "hosts" }];
    const first = await openReceivingServer(own.path, { receivers: { syslog } });
    const socket = connectPlain(Number(new URL(first.server.syslogUrls[0] ?? "").port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(`${range(0, 500).map(message).join("\n")}\n${message(500).slice(0, 50)}`);
    await first.waitForSize("main", 1);
    await first.server.close();
    socket.destroy();
    const second = await openReceivingServer(own.path, {});
    const entries = await second.entries("main");
    expect(entries.map(({ kind }) => kind)).toEqual([...range(0, 500).map(() => "event"), "quarantine"]);
    await second.server.close();
  });

  it.each([
    [{ trail: "none" }, "`receivers.syslog[0].trail` none does not exist"],
    [{ trail: "evident" }, "is written by the server only"],
    [{ trail: "main", tenant: "acme" }, "belongs to the tenant default"],
    [{ trail: "main", format: "sysolg" }, "`receivers.syslog[0].format`: no format"],
    [{ trail: "main", options: { hots: "x" } }, "`receivers.syslog[0].options`: syslog has no option"],
  ])("or cannot start with %j says what to change", async (change, text) => {
    using own = makeTemporaryDirectory("syslog-refused");
    const syslog = [{ listen: "tcp://127.0.0.1:0", source: "hosts", ...change }];
    const refused: unknown = await openReceivingServer(own.path, { receivers: { syslog } }).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(EvidentError);
    expect(String(refused)).toContain(text);
  });

  it("or finds its address taken names it", async () => {
    using own = makeTemporaryDirectory("syslog-taken");
    const syslog = [{ listen: `tcp://127.0.0.1:${urls[1]?.port}`, trail: "main", source: "hosts" }];
    await expect(openReceivingServer(own.path, { receivers: { syslog } })).rejects.toThrow(
      /receivers\.syslog\[0\]\.listen.*EADDRINUSE/,
    );
  });
});
