import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryDirectory } from "@evident/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Problem } from "../errors/index.ts";
import type { EventDraft } from "../event/index.ts";
import { type FaultyServer, startFaultyServer, storeAll } from "../faulty-server/index.ts";
import { createEvident } from "./create-evident.ts";
import type { Evident } from "./evident.ts";
import type { EvidentOptions } from "./options.ts";

const AWAY = "http://127.0.0.1:9";
let directory: ReturnType<typeof makeTemporaryDirectory>;
let problems: Problem[] = [];
beforeEach(() => {
  directory = makeTemporaryDirectory("sdk");
  problems = [];
});
afterEach(() => directory[Symbol.dispose]());

const draft: EventDraft = {
  actor: { type: "user", id: "u-1", ns: "shop" },
  action: { op: "READ", name: "order.view", kind: "api" },
  resources: [{ type: "order", id: "1" }],
  outcome: { status: "success" },
};

function open(options: Partial<EvidentOptions> = {}): Evident {
  return createEvident({
    url: AWAY,
    key: "evk_test",
    system: "shop",
    spool: { dir: directory.path },
    heartbeatIntervalMs: 0,
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
}

interface SentEvent {
  readonly id: string;
  readonly action: { readonly name: string };
  readonly outcome: { readonly code?: string };
  readonly origin: { readonly seq: string; readonly nativeId: string };
  readonly detail?: Record<string, unknown>;
}

/** Opens the spool once more and sends what is in it. */
async function sendRest(options: Partial<EvidentOptions> = {}): Promise<readonly SentEvent[]> {
  const server: FaultyServer = await startFaultyServer(storeAll);
  const evident = open({ url: server.url, ...options });
  expect(await evident.close()).toEqual({ kind: "flushed" });
  await server.close();
  return server.exchanges.flatMap(({ lines }) => lines.map((line) => JSON.parse(line) as SentEvent));
}

describe("record", () => {
  it("keeps events that a later client sends, after close", async () => {
    const evident = open();
    const recorded = evident.record(draft);
    expect(recorded).toMatchObject({ kind: "accepted", seq: 1 });
    expect(await evident.close({ timeoutMs: 50 })).toEqual({ kind: "waiting", events: 1 });
    expect(evident.record(draft)).toMatchObject({ kind: "refused", why: "closed" });
    expect(await evident.close()).toEqual({ kind: "waiting", events: 1 });
    const sent = await sendRest();
    expect(sent.map(({ id }) => id)).toEqual([recorded.kind === "accepted" ? recorded.id : ""]);
    expect(readdirSync(directory.path)).toEqual([]);
  });

  it("refuses at the bound of the spool, without a hole in the sequence numbers", async () => {
    const evident = open({ spool: { dir: directory.path, maxBytes: 65_536 } });
    let last = evident.record(draft);
    let accepted = 0;
    for (; last.kind === "accepted"; last = evident.record(draft)) accepted += 1;
    expect(last).toMatchObject({ kind: "refused", why: "full" });
    expect(evident.stats()).toMatchObject({ accepted, refused: 1, dropped: 0, lastSeq: accepted });
    expect(problems).toContainEqual(expect.objectContaining({ code: "spool_full" }));
    await evident.close({ timeoutMs: 10 });
    expect(await sendRest()).toHaveLength(accepted);
  });

  it("drops the newest where that is the policy, with a hole that tells", async () => {
    const evident = open({ spool: { dir: directory.path, maxBytes: 65_536 }, whenFull: "drop-newest" });
    let last = evident.record(draft);
    for (; last.kind === "accepted"; last = evident.record(draft));
    expect(last).toMatchObject({ kind: "dropped" });
    expect(evident.stats()).toMatchObject({ refused: 0, dropped: 1, lastSeq: evident.stats().accepted + 1 });
    await evident.close({ timeoutMs: 10 });
  });

  it("refuses what cannot be an event, and never throws", async () => {
    const evident = open({ maxEventBytes: 2_000 });
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(evident.record({ ...draft, detail: loop })).toMatchObject({ kind: "refused", why: "invalid" });
    expect(evident.record({ ...draft, detail: { big: 1n } })).toMatchObject({ kind: "refused", why: "invalid" });
    expect(evident.record({ ...draft, time: { occurred: new Date("x") } })).toMatchObject({ why: "invalid" });
    expect(evident.record({ ...draft, detail: { text: "ü".repeat(1_000) } })).toMatchObject({ why: "too_large" });
    expect(evident.stats()).toMatchObject({ accepted: 0, refused: 4, lastSeq: 0 });
    await evident.close({ timeoutMs: 10 });
  });

  it("is durable once recordDurable or sync resolves", async () => {
    const evident = open();
    expect(await evident.recordDurable(draft)).toMatchObject({ kind: "accepted" });
    evident.record(draft);
    await evident.sync();
    await evident.close({ timeoutMs: 10 });
    expect(await sendRest()).toHaveLength(2);
  });

  it("begins an access once, and records it under the id that it began with", async () => {
    const evident = open();
    const access = evident.begin("GET");
    const other = evident.begin("GET");
    expect(evident.stats().open).toBe(2);
    expect(access.record(draft)).toMatchObject({ kind: "accepted", id: access.id });
    expect(access.record(draft)).toMatchObject({ kind: "refused", why: "closed" });
    other.abandon();
    expect(other.record(draft)).toMatchObject({ kind: "refused", why: "closed" });
    expect(evident.stats()).toMatchObject({ open: 0, accepted: 1 });
    await evident.close({ timeoutMs: 10 });
    expect((await sendRest()).map(({ id }) => id)).toEqual([access.id]);
  });

  it("says by heartbeats that it lives, how far it is, and that it stops", async () => {
    const evident = open({ heartbeatIntervalMs: 30 });
    evident.record(draft);
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    await evident.close({ timeoutMs: 10 });
    const beats = (await sendRest()).filter(({ action }) => action.name === "evident.heartbeat");
    expect(beats.length).toBeGreaterThan(3);
    expect(beats[0]?.detail).toMatchObject({ state: "started", lastSeq: 0 });
    expect(beats[1]?.detail).toMatchObject({ state: "running", lastSeq: 2, accepted: 2 });
    expect(beats.at(-1)?.detail).toMatchObject({ state: "stopping", waiting: Number(beats.at(-1)?.origin.seq) - 1 });
  });

  it("gives keyed digests only with a key", async () => {
    const evident = open({ digestKey: "0123456789abcdef" });
    expect(evident.changes({ a: 1, b: 1 }, { a: 1, b: 2 })).toEqual({
      fields: ["b"],
      before: evident.digest({ b: 1, a: 1 }),
      after: expect.stringMatching(/^hmac-sha256:/),
    });
    const without = open();
    expect(without.digest(1)).toBeUndefined();
    expect(without.changes({ a: 1 }, { a: 2 })).toEqual({ fields: ["a"] });
    await Promise.all([evident.close({ timeoutMs: 10 }), without.close({ timeoutMs: 10 })]);
  });
});

describe("the end of a process", () => {
  /** Runs a script that has `evident` and `draft`, and no server to send to. */
  function script(body: string, options = ""): string {
    return `
      import { createEvident } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
      const draft = ${JSON.stringify(draft)};
      const evident = createEvident({ url: ${JSON.stringify(AWAY)}, key: "k", system: "shop", heartbeatIntervalMs: 60_000,
        spool: { dir: ${JSON.stringify(directory.path)} }, onProblem: () => undefined, ${options} });
      ${body}`;
  }
  const run = (text: string): ReturnType<typeof spawnSync> => {
    const file = join(directory.path, "script.ts");
    writeFileSync(file, text);
    return spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 20_000 });
  };
  const names = (events: readonly SentEvent[]): readonly string[] =>
    events.map(({ action, detail }) => [action.name, detail?.state].filter(Boolean).join(" "));

  it("is not held up by the SDK, and loses nothing without close", async () => {
    expect(run(script("evident.record(draft);"))).toMatchObject({ status: 0, stderr: "" });
    expect(names(await sendRest())).toEqual(["evident.heartbeat started", "order.view", "evident.heartbeat stopping"]);
  });

  it("by an exception is no crash of the spool, but what had begun is reported", async () => {
    expect(run(script('evident.record(draft); evident.begin("GET"); throw new Error("x");'))).toMatchObject({
      status: 1,
    });
    const sent = await sendRest();
    expect(names(sent)).toEqual([
      "evident.heartbeat started",
      "order.view",
      "evident.heartbeat stopping",
      "evident.process_ended",
    ]);
    expect(sent[3]).toMatchObject({
      outcome: { code: "process_exited" },
      detail: { unfinishedCount: 1, unfinished: [{ what: "GET" }] },
    });
  });

  it("by SIGKILL is reported once, with what was found", async () => {
    expect(
      run(script('evident.record(draft); evident.begin("POST"); process.kill(process.pid, "SIGKILL");')),
    ).toMatchObject({ signal: "SIGKILL" });
    const sent = await sendRest();
    expect(names(sent)).toEqual(["evident.heartbeat started", "order.view", "evident.process_ended"]);
    expect(sent[2]).toMatchObject({
      outcome: { code: "process_died" },
      detail: { found: 2, lastSeq: 2, tornBytes: 0, unfinishedCount: 1 },
    });
    expect(await sendRest()).toEqual([]);
  });

  it("by a signal closes first, where that was asked for", async () => {
    const file = join(directory.path, "script.ts");
    const server = await startFaultyServer(storeAll);
    writeFileSync(
      file,
      script(
        'evident.record(draft); setInterval(() => {}, 1000); console.log("ready");',
        `handleSignals: true, url: "${server.url}"`,
      ),
    );
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.once("data", () => child.kill("SIGTERM"));
    const signal = await new Promise((resolve) => {
      child.once("close", (_, by) => resolve(by));
    });
    expect(signal).toBe("SIGTERM");
    expect(server.exchanges.flatMap(({ lines }) => lines)).toHaveLength(3);
    await server.close();
  });
});

describe("settings", () => {
  it.each<[Partial<EvidentOptions>, RegExp]>([
    [{ url: "example" }, /url cannot be "example".*EVIDENT_URL/],
    [{ url: "ftp://example" }, /url/],
    [{ key: "" }, /key is missing.*EVIDENT_KEY/],
    [{ key: "a b" }, /key/],
    [{ system: "" }, /system cannot be ""/],
    [{ batchEvents: 0 }, /batchEvents cannot be 0. Give a whole number from 1/],
    [{ flushIntervalMs: 1.5 }, /flushIntervalMs/],
    [{ spool: { maxBytes: 100_000, segmentBytes: 50_000 } }, /spool\.segmentBytes/],
    [{ digestKey: "short" }, /digestKey is shorter/],
  ])("%j names what is wrong and what to give", (options, message) => {
    expect(() => open(options)).toThrow(message);
    expect(() => open(options)).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  it("names a spool that cannot be written", () => {
    const file = join(directory.path, "file");
    writeFileSync(file, "");
    expect(() => open({ spool: { dir: file } })).toThrow(
      expect.objectContaining({ code: "spool_failed", fix: expect.stringContaining("spool.dir") }),
    );
    expect(readFileSync(file, "utf8")).toBe("");
  });

  it("keeps the spool to its owner", async () => {
    const dir = join(directory.path, "private");
    mkdirSync(dir);
    chmodSync(dir, 0o755);
    const evident = open({ spool: { dir } });
    evident.record(draft);
    const [folder = ""] = readdirSync(dir);
    const modes = spawnSync("stat", ["-c", "%a", join(dir, folder), join(dir, folder, "00000001.ndjson")], {
      encoding: "utf8",
    });
    expect(modes.stdout).toBe("700\n600\n");
    await evident.close({ timeoutMs: 10 });
  });
});
