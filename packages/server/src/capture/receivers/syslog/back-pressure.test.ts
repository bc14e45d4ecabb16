import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import { afterEach, describe, expect, it } from "vitest";
import type { ReceiverEvents, Sink } from "../sink.ts";
import { openSyslog, type RunningSyslog } from "./open-syslog.ts";

interface SubmittedEvent {
  readonly actor: { readonly id: string };
  readonly origin: { readonly lossy?: boolean };
}

/** A sink whose disk a test holds, and what receivers said of themselves. */
class HeldSink implements Sink {
  readonly events: SubmittedEvent[] = [];
  readonly batches: number[] = [];
  readonly lost = new Map<string, number>();
  receivedBytes = 0;
  failure: Error | undefined;
  #gate = Promise.withResolvers<void>();

  constructor() {
    this.#gate.resolve();
  }

  hold(): void {
    this.#gate = Promise.withResolvers<void>();
  }

  letGo(): void {
    this.#gate.resolve();
  }

  async store(lines: Parameters<Sink["store"]>[0]): ReturnType<Sink["store"]> {
    await this.#gate.promise;
    if (this.failure !== undefined) throw this.failure;
    this.batches.push(lines.length);
    for (const line of lines) if (line.kind === "text") this.events.push(JSON.parse(line.text) as SubmittedEvent);
    return { accepted: lines.length, duplicates: 0, quarantined: 0 };
  }

  noteSkipped(): void {}

  readonly said: ReceiverEvents = {
    bytes: (_, sizeBytes) => {
      this.receivedBytes += sizeBytes;
    },
    connections: () => undefined,
    lost: (_, why, count) => void this.lost.set(why, (this.lost.get(why) ?? 0) + count),
    object: () => undefined,
  };
}

const logged: string[] = [];
const note = (facts: object, text: string): void => void logged.push(`${text} ${JSON.stringify(facts)}`);
const log = { info: note, warn: note, error: note, debug: note };
let running: RunningSyslog | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
  logged.length = 0;
});

async function open(sink: HeldSink, transport: "tcp" | "udp"): Promise<number> {
  running = await openSyslog({
    receiver: {
      listen: { transport, host: "127.0.0.1", port: 0 },
      trail: "main",
      source: "hosts",
      format: "syslog",
      options: {},
      allowPlain: false,
    },
    name: "receivers.syslog[0]",
    tenant: "default",
    tls: undefined,
    sink,
    events: sink.said,
    log,
    nowMs: () => Date.parse("2026-11-25T12:00:00Z"),
  });
  return Number(new URL(running.url).port);
}

const padding = "word ".repeat(800);
const message = (i: number): string =>
  `<38>1 2026-11-25T10:00:00Z web-1 sshd 4711 - [padding@1 x="${padding}"] Accepted publickey for user${i} from 203.0.113.9 port 1024 ssh2: ED25519 SHA256:x`;

describe("a syslog receiver whose disk is behind", () => {
  it("stops reading TCP, and goes on where it was", async () => {
    const sink = new HeldSink();
    const port = await open(sink, "tcp");
    sink.hold();
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const total = 8_000;
    let sent = 0;
    const send = async (): Promise<void> => {
      for (; sent < total; sent += 1) if (!socket.write(`${message(sent)}\n`)) await once(socket, "drain");
    };
    const sending = send();
    for (let before = -1; before !== sink.receivedBytes; ) {
      before = sink.receivedBytes;
      await sleep(300);
    }
    // The native record makes an event about twice as long as its message.
    expect(sink.receivedBytes).toBeLessThan(8 * 1024 * 1024);
    expect(sent).toBeLessThan(total);
    sink.letGo();
    await sending;
    await expect.poll(() => sink.events.length, { timeout: 30_000 }).toBe(total);
    expect(sink.events.map(({ actor }) => actor.id)).toEqual(Array.from({ length: total }, (_, i) => `user${i}`));
    expect(Math.max(...sink.batches)).toBeGreaterThan(1);
    expect(sink.lost.size).toBe(0);
    socket.end();
  });

  it("drops datagrams, counts them, and says so in the next event", async () => {
    const sink = new HeldSink();
    const port = await open(sink, "udp");
    sink.hold();
    const socket = createSocket("udp4");
    const send = (i: number): Promise<unknown> =>
      new Promise((resolve) => socket.send(message(i), port, "127.0.0.1", resolve));
    let sent = 0;
    for (; (sink.lost.get("busy") ?? 0) < 10; sent += 1) {
      await send(sent);
      // Sending alone never lets the event loop receive.
      if (sent % 20 === 0) await sleep(1);
    }
    await sleep(50);
    const dropped = sink.lost.get("busy") ?? 0;
    sink.letGo();
    const kernel = (): number => sink.lost.get("kernel") ?? 0;
    await expect.poll(() => sink.events.length + dropped + kernel()).toBe(sent);
    const kept = sink.events.length;
    await send(sent);
    await send(sent + 1);
    await expect.poll(() => sink.events.length).toBe(kept + 2);
    expect(sink.events.slice(0, kept).some(({ origin }) => origin.lossy === true)).toBe(false);
    expect(sink.events.slice(kept).map(({ origin }) => origin.lossy ?? false)).toEqual([true, false]);
    socket.close();
  });

  it("takes nothing more once nothing can be stored, and says how much was not", async () => {
    const sink = new HeldSink();
    sink.failure = new EvidentError("storage_failed", "the disk is gone");
    const port = await open(sink, "tcp");
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(`${message(1)}\n${message(2)}\n`);
    await expect.poll(() => logged.join("\n")).toContain("nothing can be stored");
    expect(logged.join("\n")).toContain('"unstored":2');
    socket.write(`${message(3)}\n`);
    await sleep(50);
    expect(sink.events).toEqual([]);
    await running?.close();
    running = undefined;
    expect(sink.lost.get("stop")).toBe(2);
    socket.destroy();
  });
});
