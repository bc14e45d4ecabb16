import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeTemporaryDirectory } from "@evident/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Problem } from "../errors/index.ts";
import type { EventDraft } from "../event/index.ts";
import { type Exchange, type FaultyServer, refuse, startFaultyServer, storeAll } from "../faulty-server/index.ts";
import { createEvident } from "./create-evident.ts";
import type { Evident } from "./evident.ts";
import type { EvidentOptions } from "./options.ts";

let directory: ReturnType<typeof makeTemporaryDirectory>;
let server: FaultyServer | undefined;
let problems: Problem[] = [];
beforeEach(() => {
  directory = makeTemporaryDirectory("sdk");
  problems = [];
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  directory[Symbol.dispose]();
});

const draft = (id: string, detail?: Record<string, unknown>): EventDraft => ({
  id,
  actor: { type: "user", id: "u-1", ns: "shop" },
  action: { op: "READ", name: "order.view", kind: "api" },
  resources: [{ type: "order", id: "1" }],
  outcome: { status: "success" },
  detail,
});

async function start(
  answer: (exchange: Exchange, count: number) => void,
  options: Partial<EvidentOptions> = {},
): Promise<{ readonly evident: Evident; readonly faulty: FaultyServer }> {
  const faulty = await startFaultyServer(answer);
  server = faulty;
  const evident = createEvident({
    url: faulty.url,
    key: "evk_test",
    system: "shop",
    spool: { dir: directory.path },
    heartbeatIntervalMs: 0,
    flushIntervalMs: 20,
    maxBackoffMs: 50,
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  return { evident, faulty };
}

const idsOf = ({ lines }: Exchange): readonly string[] => lines.map((line) => (JSON.parse(line) as { id: string }).id);

describe("sending", () => {
  it("sends batches of NDJSON with the key and the trail, by itself", async () => {
    const { evident, faulty } = await start(storeAll, { trail: "orders", batchEvents: 3 });
    for (let place = 0; place < 7; place += 1) evident.record(draft(`e-${place}`));
    while (evident.stats().waiting > 0) await sleep(5);
    expect(faulty.exchanges.map(idsOf)).toEqual([["e-0", "e-1", "e-2"], ["e-3", "e-4", "e-5"], ["e-6"]]);
    expect(faulty.exchanges[0]).toMatchObject({
      url: "/v1/events?trail=orders",
      headers: { authorization: "Bearer evk_test", "content-type": "application/x-ndjson" },
    });
    expect(await evident.close()).toEqual({ kind: "flushed" });
    expect(problems).toEqual([]);
  });

  it("sends again only what has no verdict, in the same bytes", async () => {
    const { evident, faulty } = await start((exchange, count) => {
      if (count > 1) return storeAll(exchange);
      exchange.response.write(exchange.verdict(0) + exchange.verdict(1));
      exchange.response.write('{"line":3,"half');
      setTimeout(() => exchange.response.destroy(), 20);
    });
    for (let place = 0; place < 4; place += 1) evident.record(draft(`e-${place}`));
    expect(await evident.flush()).toEqual({ kind: "flushed" });
    expect(faulty.exchanges.map(idsOf)).toEqual([
      ["e-0", "e-1", "e-2", "e-3"],
      ["e-2", "e-3"],
    ]);
    expect(faulty.exchanges[1]?.lines[0]).toBe(faulty.exchanges[0]?.lines[2]);
    expect(problems).toMatchObject([{ code: "unreachable" }]);
    await evident.close();
  });

  it("waits as long as the server asks", async () => {
    const times: number[] = [];
    const { evident } = await start((exchange, count) => {
      times.push(performance.now());
      if (count === 1) refuse(exchange, 429, "overloaded", { "retry-after": "1" });
      else storeAll(exchange);
    });
    evident.record(draft("e-1"));
    await sleep(1_500);
    expect(evident.stats().waiting).toBe(0);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(990);
    expect(problems).toMatchObject([{ code: "busy", message: expect.stringContaining("because of overloaded") }]);
    await evident.close();
  });

  it.each<[string, (exchange: Exchange) => void, Problem["code"]]>([
    ["a key that is refused", (exchange) => refuse(exchange, 401, "unauthenticated"), "key_refused"],
    ["a trail that is not there", (exchange) => refuse(exchange, 404, "not_found"), "refused"],
    ["a full disk", (exchange) => refuse(exchange, 507, "storage_full"), "busy"],
    ["a proxy's error page", ({ response }) => response.writeHead(502).end("<html>"), "busy"],
    ["another server's page", ({ response }) => response.end("<html>\n<body>\n"), "not_evident"],
    ["a redirect", ({ response }) => response.writeHead(307, { location: "/elsewhere" }).end(), "refused"],
    ["an answer without verdicts", ({ response }) => response.end(), "unreachable"],
    [
      "a problem instead of a verdict",
      ({ response }) => response.end('{"error":{"status":503,"detail":"stopping"}}\n'),
      "busy",
    ],
    ["a cut connection", ({ response }) => response.destroy(), "unreachable"],
  ])("keeps events through %s", async (_, answer, code) => {
    let isWell = false;
    const { evident } = await start((exchange) => (isWell ? storeAll(exchange) : answer(exchange)));
    evident.record(draft("e-1"));
    expect(await evident.flush({ timeoutMs: 150 })).toEqual({ kind: "waiting", events: 1 });
    expect(evident.stats().failure).toMatchObject({ code });
    expect(problems[0]).toMatchObject({ code, fix: expect.stringMatching(/\.$/) });
    isWell = true;
    expect(await evident.flush()).toEqual({ kind: "flushed" });
    expect(evident.stats()).toMatchObject({ waiting: 0, sent: { stored: 1 } });
    expect(evident.stats()).not.toHaveProperty("failure");
    await evident.close();
  });

  it("gives up a request that takes too long, and sends again", async () => {
    const { evident, faulty } = await start((exchange, count) => (count === 1 ? undefined : storeAll(exchange)), {
      requestTimeoutMs: 200,
    });
    evident.record(draft("e-1"));
    expect(await evident.flush()).toEqual({ kind: "flushed" });
    expect(faulty.exchanges).toHaveLength(2);
    await evident.close();
  });

  it("sends less at once to a server that takes less, and sets aside what it never takes", async () => {
    const { evident, faulty } = await start((exchange) => {
      if (exchange.lines.join("").length > 3_000) refuse(exchange, 413, "too_large");
      else storeAll(exchange);
    });
    for (let place = 0; place < 20; place += 1) evident.record(draft(`e-${place}`, { text: "x".repeat(500) }));
    evident.record(draft("large", { text: "x".repeat(4_000) }));
    evident.record(draft("last"));
    expect(await evident.flush()).toEqual({ kind: "flushed" });
    const stored = faulty.exchanges.filter(({ response }) => response.statusCode === 200).flatMap(idsOf);
    expect(stored).toEqual([...Array.from({ length: 20 }, (_, place) => `e-${place}`), "last"]);
    expect(evident.stats().sent).toMatchObject({ stored: 21, setAside: 1 });
    expect(readFileSync(join(directory.path, "too-large.ndjson"), "utf8")).toContain('"id":"large"');
    expect(problems).toMatchObject([{ code: "too_large" }]);
    await evident.close();
  });

  it("reports quarantined events, and survives a callback that throws", async () => {
    const told: unknown[] = [];
    const { evident } = await start(
      ({ response, verdict, lines }) => {
        const reasons = [{ field: "actor.type", problem: "is wrong", fix: "Right it." }];
        const quarantined = JSON.stringify({ ...(JSON.parse(verdict(1, "quarantined")) as object), reasons });
        response.end(`${verdict(0)}${quarantined}\n${verdict(2, "duplicate")}${lines.length > 3 ? verdict(3) : ""}`);
      },
      {
        onQuarantined: (event) => {
          told.push(event);
          throw new Error("mine");
        },
      },
    );
    for (let place = 0; place < 3; place += 1) evident.record(draft(`e-${place}`));
    expect(await evident.flush()).toEqual({ kind: "flushed" });
    expect(told).toMatchObject([
      { id: "e-1", index: 1, reasons: [{ field: "actor.type" }], event: { id: "e-1", actor: { id: "u-1" } } },
    ]);
    expect(evident.stats().sent).toEqual({ stored: 1, duplicates: 1, quarantined: 1, setAside: 0 });
    expect(problems).toMatchObject([
      { code: "quarantined", message: expect.stringContaining("actor.type is wrong"), fix: "Right it." },
    ]);
    await evident.close();
  });
});
