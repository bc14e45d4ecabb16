import { setTimeout as sleep } from "node:timers/promises";
import { makeEvent } from "@evident/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Follower,
  follow,
  NDJSON,
  openRawClient,
  readEntries,
  send,
  startApi,
  type TestApi,
} from "../testing/index.ts";

const MIB = 1024 * 1024;

let api: TestApi;
const open: Follower[] = [];
beforeEach(async () => {
  api = await startApi({
    flags: { "limits.concurrentTails": "3" },
    times: { tail: { heartbeatMs: 100, stallMs: 300 } },
  });
});
afterEach(async () => {
  for (const each of open.splice(0)) each.stop();
  await api.close();
});

async function tail(...args: [query?: string, options?: Parameters<typeof follow>[2]]): Promise<Follower> {
  const follower = await follow(api, ...args);
  open.push(follower);
  return follower;
}

async function post(ids: readonly string[], change: object = {}, query = ""): Promise<void> {
  const body = ids.map((id) => JSON.stringify({ ...makeEvent(id), ...change })).join("\n");
  await (await send(api, body, { type: NDJSON, query })).text();
}

const idsOf = (events: Awaited<ReturnType<Follower["until"]>>): (string | undefined)[] =>
  events.map(({ data }) => data.entry.event?.id);

async function whenTails(count: number): Promise<void> {
  for (;;) {
    const text = await (await api.fetch("/metrics")).text();
    if (text.includes(`evident_tail_open ${count}\n`)) return;
    await sleep(5);
  }
}

describe("GET /v1/tail", () => {
  it("opens a stream of server-sent events at once", async () => {
    const follower = await tail();
    expect(follower.answer.status).toBe(200);
    expect(follower.answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(follower.answer.headers.get("cache-control")).toBe("no-store");
    expect(follower.answer.headers.get("x-content-type-options")).toBe("nosniff");
    await post(["a"]);
    await follower.until(1);
    expect(follower.text()).toMatch(/^retry: 1000\nid: main:0\n: open\n\n/);
  });

  it("delivers what is stored from now on, with the position behind each entry as its id", async () => {
    await post(["before"]);
    const follower = await tail();
    await post(["a", "b"]);
    const events = await follower.until(2);
    expect(idsOf(events)).toEqual(["a", "b"]);
    expect(events.map(({ id, name }) => [id, name])).toEqual([
      ["main:2", "entry"],
      ["main:3", "entry"],
    ]);
    expect(events[0]?.data).toMatchObject({
      trail: "main",
      index: 1,
      entry: { kind: "event", received: expect.any(String) },
    });
  });

  it("goes on after the last event that the client has seen, without a gap or a repetition", async () => {
    const ids = Array.from({ length: 700 }, (_, i) => `e-${i}`);
    const first = await tail();
    await post(ids.slice(0, 300));
    const seen = await first.until(120);
    first.stop();
    await post(ids.slice(300));
    const lastEventId = seen[119]?.id ?? "";
    const second = await tail("", { lastEventId });
    const events = await second.until(580);
    expect([...idsOf(seen.slice(0, 120)), ...idsOf(events)]).toEqual(ids);
  });

  it("delivers every event once under load, however often the client comes back", async () => {
    const ids = Array.from({ length: 3_000 }, (_, i) => `load-${i}`);
    const got: (string | undefined)[] = [];
    let lastEventId = "main:0";
    const posting = (async () => {
      for (let at = 0; at < ids.length; at += 100) await post(ids.slice(at, at + 100));
    })();
    while (got.length < ids.length) {
      const follower = await tail("", { lastEventId });
      const events = await follower.until(Math.min(1 + (got.length % 400), ids.length - got.length));
      follower.stop();
      got.push(...idsOf(events));
      lastEventId = events.at(-1)?.id ?? lastEventId;
      await whenTails(0);
    }
    await posting;
    expect(got).toEqual(ids);
  });

  it("follows what matches, and moves its position over what does not", async () => {
    const follower = await tail("?q=outcome.status:denied");
    await post(["ok-1", "ok-2"]);
    await post(["denied-1"], { outcome: { status: "denied" } });
    expect(idsOf(await follower.until(1))).toEqual(["denied-1"]);
    expect(follower.events()[0]?.id).toBe("main:3");
    await post(["ok-3"]);
    while (!follower.text().includes("id: main:4\n: still here")) await Promise.race([follower.until(2), sleep(20)]);
  });

  it("follows the trails that were asked for, or all, those made later included", async () => {
    await api.ledger.createTrail({ name: "second", tenant: "default", by: "test" });
    const [one, all] = [await tail("?trail=second"), await tail()];
    await api.ledger.createTrail({ name: "third", tenant: "default", by: "test" });
    await post(["m"]);
    await post(["s"], {}, "?trail=second");
    await post(["t"], {}, "?trail=third");
    expect(idsOf(await one.until(1))).toEqual(["s"]);
    expect(new Set(idsOf(await all.until(3)))).toEqual(new Set(["m", "s", "t"]));
    const lastEventId = all.events().at(-1)?.id ?? "";
    all.stop();
    await api.ledger.createTrail({ name: "fourth", tenant: "default", by: "test" });
    await post(["f"], {}, "?trail=fourth");
    expect(idsOf(await (await tail("", { lastEventId })).until(1))).toEqual(["f"]);
  });

  it.each([
    ["?q=(", undefined, "q"],
    ["?q=nofield:1", undefined, "q"],
    ["", "nonsense", "last-event-id"],
    ["", "main:1,main:2", "last-event-id"],
    ["?trial=main", undefined, "trial"],
  ] as const)("refuses %j with Last-Event-ID %j, naming %s", async (query, lastEventId, field) => {
    const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    const answer = await api.fetch(`/v1/tail${query}`, { headers });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ field }] });
  });

  it("begins at the end when the client has seen more than there is", async () => {
    const follower = await tail("", { lastEventId: "main:999999,gone:5" });
    await post(["x"]);
    expect(idsOf(await follower.until(1))).toEqual(["x"]);
  });

  it("keeps the connection open with comments", async () => {
    const follower = await tail();
    await Promise.race([follower.until(1), sleep(400)]);
    expect(follower.text().match(/: still here/g)?.length).toBeGreaterThanOrEqual(2);
  });

  it("ends when the server stops", async () => {
    const follower = await tail();
    const closing = api.api.close();
    expect(await follower.rest()).toContain(": open");
    await closing;
    expect((await readEntries(api.ledger, "evident-reads")).at(-1)).toMatchObject({
      event: { action: { name: "tail.close" }, detail: { end: "stopping" } },
    });
  });

  it("refuses more tails than are allowed, and takes them again when others have ended", async () => {
    const tails = [await tail(), await tail(), await tail()];
    const refused = await api.fetch("/v1/tail");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    tails[0]?.stop();
    await whenTails(2);
    expect((await tail()).answer.status).toBe(200);
  });
});

describe("a client of a tail that stops reading", () => {
  it("is dropped, and costs a bounded amount of memory until then", async () => {
    const client = openRawClient(api.api.url);
    client.write(`GET /v1/tail HTTP/1.1\r\nhost: t\r\nauthorization: Bearer ${api.adminKey}\r\n\r\n`);
    await client.until(/: open/);
    client.socket.pause();
    const before = process.memoryUsage().rss;
    const text = "x".repeat(20_000);
    for (let i = 0; i < 12; i += 1)
      await post(
        Array.from({ length: 100 }, (_, k) => `big-${i}-${k}`),
        { detail: { text } },
      );
    await whenTails(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB);
    expect((await readEntries(api.ledger, "evident-reads")).at(-1)).toMatchObject({
      event: { action: { name: "tail.close" }, detail: { end: "stalled" } },
    });
    const metrics = await (await api.fetch("/metrics")).text();
    expect(metrics).toContain('evident_clients_dropped_total{why="stalled"} 1');
    client.socket.destroy();
  });
});
