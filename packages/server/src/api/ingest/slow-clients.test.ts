import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { makeEvent } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRawClient, type RawClient, readEntries, startApi, type TestApi } from "../testing/index.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

let api: TestApi;
beforeAll(async () => {
  api = await startApi({
    times: {
      ingest: {
        body: { idleMs: 400, minBytes: 64 },
        answer: { maxBufferedBytes: 64 * KIB, stallMs: 400 },
      },
    },
  });
});
afterAll(() => api.close());

let made = 0;
function good(): string {
  made += 1;
  return JSON.stringify(makeEvent(`slow-${made}`));
}

/** Opens a body of chunks; `write` in the client sends bytes as they are. */
function beginPost(query = "", headers: readonly string[] = []): RawClient & { chunk(text: string): void } {
  const client = openRawClient(api.api.url);
  const lines = [
    `POST /v1/events${query} HTTP/1.1`,
    "host: test",
    `authorization: Bearer ${api.adminKey}`,
    "content-type: application/x-ndjson",
    "transfer-encoding: chunked",
    ...headers,
  ];
  client.write(`${lines.join("\r\n")}\r\n\r\n`);
  return {
    ...client,
    chunk: (text) => client.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`),
  };
}

async function isStored(id: string): Promise<boolean> {
  return (await readEntries(api.ledger, "main")).some((entry) => entry.kind === "event" && entry.event.id === id);
}

async function openIngests(): Promise<number> {
  const text = await (await api.fetch("/metrics")).text();
  return Number(/^evident_ingest_open (\d+)/m.exec(text)?.[1]);
}

async function whenIdle(): Promise<void> {
  while ((await openIngests()) > 0) await sleep(10);
}

const idOf = (text: string): string => (JSON.parse(text) as { id: string }).id;

describe("a client that is slow on purpose", () => {
  it("is told so when its body stops coming, and keeps its good lines", async () => {
    const client = beginPost();
    const text = good();
    client.chunk(`${text}\n{"half":`);
    const answer = await client.until(/"error"/);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain(`"id":"${idOf(text)}","trail":"main"`);
    expect(answer).toContain('"code":"too_slow"');
    expect(answer).toContain("less than 64 bytes of the body came in 0.4 s");
    expect(answer).not.toContain('"line":2');
    await client.closed;
    await whenIdle();
  });

  it("is answered with 408 when it never sends a line", async () => {
    const client = beginPost();
    expect(await client.until(/"code"/)).toMatch(/^HTTP\/1\.1 408 Request Timeout[^]*too_slow/);
    client.socket.destroy();
    await whenIdle();
  });

  it("gets its verdicts while it is still sending", async () => {
    const client = beginPost();
    const [one, two] = [good(), good()];
    client.chunk(`${one}\n`);
    await client.until(new RegExp(`"${idOf(one)}"`));
    client.chunk(`${two}\n`);
    await client.until(new RegExp(`"${idOf(two)}"`));
    client.write("0\r\n\r\n");
    const answer = await client.until(/\r\n0\r\n\r\n$/);
    expect(answer.match(/"status":"stored"/g)).toHaveLength(2);
    client.socket.destroy();
  });

  it("may send for long as long as it sends", async () => {
    const client = beginPost("?answer=summary");
    for (let i = 0; i < 10; i += 1) {
      client.chunk(`${good()}\n`);
      await sleep(100);
    }
    client.write("0\r\n\r\n");
    expect(await client.until(/"read"/)).toContain('"read":10,"accepted":10');
    client.socket.destroy();
  });

  it("that sends byte by byte is understood", async () => {
    const client = beginPost("?answer=summary");
    const text = good();
    for (const character of `${text}\n`) client.chunk(character);
    client.write("0\r\n\r\n");
    expect(await client.until(/"read"/)).toContain('"read":1,"accepted":1');
    client.socket.destroy();
  });
});

describe("a client that goes away in the middle", () => {
  it.each(["reset", "end"] as const)("by %s, keeps what was whole", async (how) => {
    const client = beginPost();
    const text = good();
    client.chunk(`${text}\n{"cut":`);
    await client.until(new RegExp(idOf(text)));
    if (how === "reset") client.socket.resetAndDestroy();
    else client.socket.destroy();
    await whenIdle();
    expect(await isStored(idOf(text))).toBe(true);
    expect((await api.fetch("/healthz")).status).toBe(200);
  });

  it("before anything was answered, keeps what was whole", async () => {
    const before = api.ledger.trail("main")?.size ?? 0;
    const texts = Array.from({ length: 50 }, good);
    for (const text of texts) {
      const client = beginPost();
      client.chunk(`${text}\n`);
      await once(client.socket, "connect");
      await sleep(2);
      client.socket.destroy();
    }
    await whenIdle();
    // Each line is there once or not at all.
    const stored = (await readEntries(api.ledger, "main")).slice(before);
    const ids = stored.map((entry) => (entry.kind === "event" ? entry.event.id : entry.kind));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => texts.some((text) => idOf(text) === id))).toBe(true);
  });
});

describe("a client that never reads its answer", () => {
  it("is dropped, costs a bounded amount of memory, and loses no line that was stored", async () => {
    const client = beginPost();
    client.socket.pause();
    client.socket.removeAllListeners("data");
    const before = process.memoryUsage().rss;
    const dropped = await counter("evident_clients_dropped_total");
    let sent = 0;
    while (!client.socket.closed && sent < 200_000) {
      const texts = Array.from({ length: 100 }, good);
      client.chunk(`${texts.join("\n")}\n`);
      sent += texts.length;
      while (!client.socket.closed && client.socket.writableLength > MIB) await sleep(5);
    }
    expect(client.socket.closed).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * MIB);
    await whenIdle();
    expect(await counter("evident_clients_dropped_total")).toBe(dropped + 1);
    expect((await api.fetch("/readyz")).status).toBe(200);
  });

  async function counter(name: string): Promise<number> {
    const text = await (await api.fetch("/metrics")).text();
    return Number(new RegExp(`^${name}\\{why="stalled"\\} (\\d+)`, "m").exec(text)?.[1] ?? 0);
  }
});

describe("a client that is refused while it sends", () => {
  it("gets its answer before the connection ends", async () => {
    const { hostname, port } = new URL(api.api.url);
    for (const [headers, status] of [
      [{ "content-type": "text/csv", authorization: `Bearer ${api.adminKey}` }, 415],
      [{ "content-type": "application/json" }, 401],
    ] as const) {
      const request = httpRequest({ hostname, port, path: "/v1/events", method: "POST", headers });
      request.on("error", () => undefined);
      const answered = once(request, "response") as Promise<[{ statusCode: number; resume(): void }]>;
      const timer = setInterval(() => request.writableNeedDrain || request.write(Buffer.alloc(MIB, 0x20)), 1);
      const [answer] = await answered;
      expect(answer.statusCode).toBe(status);
      clearInterval(timer);
      request.destroy();
    }
  });

  it("is told not to send at all when it asks first", async () => {
    const refused = openRawClient(api.api.url);
    refused.write("POST /v1/events HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n");
    expect(await refused.until(/HTTP\/1\.1 \d/)).toMatch(/^HTTP\/1\.1 401/);
    refused.socket.destroy();
    const taken = beginPost("?answer=summary", ["expect: 100-continue"]);
    await taken.until(/HTTP/);
    taken.chunk(`${good()}\n`);
    taken.write("0\r\n\r\n");
    const answer = await taken.until(/"read":1/);
    expect(answer.match(/100 Continue/g)).toHaveLength(1);
    taken.socket.destroy();
  });

  it("is told about bytes that are no HTTP", async () => {
    const client = openRawClient(api.api.url);
    client.write("hello\r\n\r\n");
    await client.closed;
    expect(client.received()).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n[^]*application\/problem\+json[^]*"code":"bad_request"/,
    );
  });

  it("stops being waited for when nothing of it can be stored any more", async () => {
    const { key, id } = await api.makeKey({ role: "producer", sources: ["*"] });
    const client = openRawClient(api.api.url);
    client.write(
      `POST /v1/events HTTP/1.1\r\nhost: t\r\nauthorization: Bearer ${key}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    const chunk = (text: string): void => client.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
    const [one, two] = [good(), good()];
    chunk(`${one}\n`);
    await client.until(new RegExp(idOf(one)));
    await api.fetch(`/v1/keys/${id}`, { method: "DELETE" });
    chunk(`${two}\n`);
    expect(await client.until(/"error"/)).toMatch(/"code":"unauthenticated".*revoked/);
    expect(await isStored(idOf(two))).toBe(false);
    client.socket.destroy();
    await whenIdle();
  });
});
