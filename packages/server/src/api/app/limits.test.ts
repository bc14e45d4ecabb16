import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import { FaultyFileSystem, makeEvent, makeTemporaryDirectory } from "@evident/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { type Ledger, nodeFileSystem, openFileStorage, type Pressure } from "../../ledger/index.ts";
import {
  NDJSON,
  openRawClient,
  readEntries,
  readLines,
  type StartOptions,
  send,
  startApi,
  type TestApi,
} from "../testing/index.ts";

const MIB = 1024 * 1024;

let api: TestApi;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(options: StartOptions = {}): Promise<TestApi> {
  api = await startApi(options);
  closing.push(() => api.close());
  return api;
}

async function until(isTrue: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isTrue())) await sleep(5);
}

async function metric(name: string): Promise<number> {
  const text = await (await api.fetch("/metrics")).text();
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${name} `))
      ?.split(" ")[1] ?? 0,
  );
}

let made = 0;
const good = (): string => {
  made += 1;
  return JSON.stringify(makeEvent(`limit-${made}`));
};

/** A ledger whose appends wait, and whose pressure is what the test says. */
function held(state: { pressure: Pressure | undefined; wait: Promise<void> | undefined; bytes?: number }) {
  return (ledger: Ledger): Ledger =>
    new Proxy(ledger, {
      get: (target, name) => {
        if (name === "pressure") return () => state.pressure ?? target.pressure();
        if (name === "append")
          return async (...args: Parameters<Ledger["append"]>) => {
            if (args[0] === "main") {
              state.bytes = (state.bytes ?? 0) + args[1].reduce((sum, { rest }) => sum + rest.length, 0);
              await state.wait;
            }
            return target.append(...args);
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
}

describe("the rate limit", () => {
  it("counts per key, says when to come back, and leaves probes alone", async () => {
    await start({ flags: { "limits.requestsPerSecond": "20" } });
    const { key: other } = await api.makeKey({ role: "reader" });
    await sleep(1_000);
    const answers = await Promise.all(Array.from({ length: 40 }, () => api.fetch("/v1/trails")));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(15);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(20);
    expect(refused[0]?.headers.get("retry-after")).toBe("1");
    expect(await refused[0]?.json()).toMatchObject({
      code: "overloaded",
      detail: "more than 20 requests in a second with this key or from this address",
    });
    expect((await api.fetch("/v1/trails", { key: other })).status).toBe(200);
    const probes = await Promise.all(Array.from({ length: 40 }, () => api.fetch("/healthz", { key: "" })));
    expect(probes.every(({ status }) => status === 200)).toBe(true);
    await sleep(1_100);
    expect((await api.fetch("/v1/trails")).status).toBe(200);
  });

  it("counts those without a key by their address, wrong keys too", async () => {
    await start({ flags: { "limits.requestsPerSecond": "20" } });
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        api.fetch("/v1/trails", { key: `evk_${"0".repeat(16)}_${"A".repeat(40)}${100 + i}` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(20);
    expect((await api.fetch("/v1/trails")).status).toBe(200);
  });
});

describe("answers that nobody reads", () => {
  it("are bounded over all clients, and given again when those have gone", async () => {
    await start({ flags: { "limits.requestsPerSecond": "10000" } });
    const text = Array.from({ length: 250 }, () =>
      JSON.stringify({ ...makeEvent(`wide-${(made += 1)}`), detail: { text: "x".repeat(60_000) } }),
    );
    await (await send(api, text.join("\n"), { type: NDJSON })).text();
    const bundle = `GET /v1/trails/main/log/tile/entries/000.p/250 HTTP/1.1\r\nhost: t\r\nauthorization: Bearer ${api.adminKey}\r\n\r\n`;
    await api.ledger.waitPublished("main", 250);
    const clients = Array.from({ length: 40 }, () => openRawClient(api.api.url));
    for (const client of clients) {
      client.socket.pause();
      client.write(bundle);
    }
    await until(async () => (await api.fetch("/v1/trails")).status === 429);
    const refused = await api.fetch("/v1/events?limit=1");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "2"]);
    expect((await api.fetch("/healthz")).status).toBe(200);
    for (const client of clients) client.socket.destroy();
    await until(async () => (await api.fetch("/v1/trails")).status === 200);
  });
});

describe("concurrent bodies", () => {
  it("are refused beyond the limit before a byte is read, and taken again afterwards", async () => {
    await start({ flags: { "limits.concurrentIngests": "2" } });
    const begin = `POST /v1/events HTTP/1.1\r\nhost: t\r\nauthorization: Bearer ${api.adminKey}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`;
    const clients = [openRawClient(api.api.url), openRawClient(api.api.url)];
    for (const client of clients) client.write(begin);
    await until(async () => (await metric("evident_ingest_open")) === 2);
    const refused = await send(api, good());
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({ code: "overloaded", detail: "2 bodies are being read already" });
    for (const client of clients) client.socket.destroy();
    await until(async () => (await metric("evident_ingest_open")) === 0);
    expect((await send(api, good())).status).toBe(201);
  });
});

describe("a disk that is behind", () => {
  it("is answered with 429 and the ledger's own time before a body is read", async () => {
    const state = { pressure: undefined as Pressure | undefined, wait: undefined };
    await start({ wrapLedger: held(state) });
    state.pressure = { kind: "busy", pendingBytes: 99, retryAfterSeconds: 7 };
    const refused = await send(api, good());
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "7"]);
    state.pressure = undefined;
    expect((await send(api, good())).status).toBe(201);
  });

  it("holds a body back instead of filling the memory, and goes on with it", async () => {
    const state = {
      pressure: undefined as Pressure | undefined,
      wait: undefined as Promise<void> | undefined,
      bytes: 0,
    };
    await start({ wrapLedger: held(state) });
    const gate = Promise.withResolvers<void>();
    state.wait = gate.promise;
    const text = Array.from({ length: 60_000 }, good).join("\n");
    expect(text.length).toBeGreaterThan(25 * MIB);
    const answering = send(api, text, { type: NDJSON, query: "?answer=summary" });
    // As much as may be under way; how much that is depends on how the body is cut on its way.
    let before = -1;
    await until(async () => {
      const isStill = state.bytes > 0 && state.bytes === before;
      before = state.bytes;
      await sleep(200);
      return isStill;
    });
    // 4,000 lines and what was read of the next chunk: not the body.
    expect(state.bytes).toBeLessThan(6 * MIB);
    gate.resolve();
    expect(await (await answering).json()).toMatchObject({ read: 60_000, accepted: 60_000 });
  });

  it("holds a body back while the ledger says that it is busy", async () => {
    const state = { pressure: undefined as Pressure | undefined, wait: undefined, bytes: 0 };
    await start({ wrapLedger: held(state) });
    const client = openRawClient(api.api.url);
    client.write(
      `POST /v1/events HTTP/1.1\r\nhost: t\r\nauthorization: Bearer ${api.adminKey}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    const chunk = (text: string): void => client.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
    await until(async () => (await metric("evident_ingest_open")) === 1);
    state.pressure = { kind: "busy", pendingBytes: 1, retryAfterSeconds: 1 };
    chunk(`${good()}\n`);
    await client.until(/"line":1/);
    const { bytes } = state;
    chunk(`${good()}\n`);
    await sleep(100);
    expect(state.bytes).toBe(bytes);
    state.pressure = undefined;
    await client.until(/"line":2/);
    client.socket.destroy();
  });
});

describe("a disk that is full", () => {
  it("is answered with 507, and taken again when there is room, with nothing lost or doubled", async () => {
    const directory = makeTemporaryDirectory("full");
    closing.push(async () => directory[Symbol.dispose]());
    const disk = new FaultyFileSystem(nodeFileSystem);
    await start({
      dir: directory.path,
      ledger: { storage: openFileStorage(`${directory.path}/data`, disk), walFileBytes: MIB },
    });
    const before = good();
    expect((await send(api, before)).status).toBe(201);
    disk.fail({ nth: 1, how: "lost", error: "ENOSPC", times: Number.MAX_SAFE_INTEGER, path: /\/wal\// });
    const accepted: string[] = [];
    const waiting: Promise<Response>[] = [];
    // The log's preallocated space takes some more before it is full.
    await until(async () => {
      const text = Array.from({ length: 500 }, good);
      accepted.push(...text);
      waiting.push(send(api, text.join("\n"), { type: NDJSON }));
      await sleep(50);
      return api.ledger.pressure().kind === "full";
    });
    const refused = await send(api, good());
    expect(refused.status).toBe(507);
    expect(await refused.json()).toMatchObject({
      code: "storage_full",
      fix: expect.stringContaining("Free disk space"),
    });
    expect((await api.fetch("/readyz", { key: "" })).status).toBe(503);
    disk.heal();
    await until(() => api.ledger.pressure().kind === "ready");
    const lines = (await Promise.all(waiting.map(async (answer) => readLines(await answer)))).flat();
    expect((await send(api, good())).status).toBe(201);
    const ids = (await readEntries(api.ledger, "main")).map((entry) => (entry.kind === "event" ? entry.event.id : ""));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, status } of lines.filter(({ status }) => status === "stored")) {
      expect(status).toBe("stored");
      expect(ids).toContain(id);
    }
  });

  it("ends a body that is being read with the error, after the verdicts of what was stored", async () => {
    const state = { pressure: undefined as Pressure | undefined, wait: undefined as Promise<void> | undefined };
    await start({ wrapLedger: held(state) });
    const client = openRawClient(api.api.url);
    client.write(
      `POST /v1/events HTTP/1.1\r\nhost: t\r\nauthorization: Bearer ${api.adminKey}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    const chunk = (text: string): void => client.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
    chunk(`${good()}\n`);
    await client.until(/"line":1/);
    state.wait = Promise.reject(new EvidentError("storage_full", "the disk is full"));
    state.wait.catch(() => undefined);
    chunk(`${good()}\n${good()}\n`);
    const answer = await client.until(/"error"/);
    expect(answer).toContain('"code":"storage_full"');
    expect(answer).toContain('"lines":{"first":2,"last":3}');
    await client.until(/\r\n0\r\n\r\n$/);
    client.socket.destroy();
  });
});
