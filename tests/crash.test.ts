import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { verifyDirectory } from "@evident/server";
import {
  eventIdOf,
  freePort,
  type LoadOutcome,
  makeRandom,
  makeTemporaryDirectory,
  type RunningServer,
  readCheckpoint,
  readPublished,
  spawnServer,
  startLoad,
  startServer,
} from "@evident/testkit";
import { describe, expect, it } from "vitest";

const isSoak = process.env.EVIDENT_SOAK === "1";
const kills = isSoak ? 200 : 10;
const seed = Number(process.env.EVIDENT_SEED ?? Math.trunc(Math.random() * 1_000_000));
const trail = "load";

/** What the clients of all lives of the server know. */
class Witness {
  readonly acknowledged = new Map<string, number>();
  readonly quarantined = new Set<number>();
  /** Sent and not answered: there once or not at all. */
  unanswered: readonly string[] = [];
  readonly sent = new Set<string>();
  /** Roots by trail and size, as signed checkpoints stated them. */
  readonly roots = new Map<string, string>();
  readonly places = new Map<string, number>();
  readonly broken: string[] = [];
  #read = 0;

  note({ acknowledged, quarantined, sent }: LoadOutcome): void {
    for (const { id, index } of acknowledged) {
      const before = this.acknowledged.get(id);
      if (before !== undefined && before !== index)
        this.broken.push(`${id} was acknowledged at ${before} and ${index}`);
      this.acknowledged.set(id, index);
    }
    for (const id of sent) this.sent.add(id);
    for (const index of quarantined) this.quarantined.add(index);
    this.unanswered = [...sent].filter((id) => !this.acknowledged.has(id));
  }

  async seeHead(server: RunningServer, name: string): Promise<number> {
    const { size, root } = await readCheckpoint({ url: server.url, key: server.adminKey, trail: name });
    const key = `${name} ${size}`;
    const before = this.roots.get(key);
    if (before !== undefined && before !== root) this.broken.push(`two roots were signed for ${key}`);
    this.roots.set(key, root);
    return size;
  }

  /** Reads what was published since the last call and compares it with what was acknowledged. */
  async compare(server: RunningServer): Promise<void> {
    const wanted = [...this.acknowledged.values(), ...this.quarantined].reduce((a, b) => Math.max(a, b), -1) + 1;
    const deadlineMs = performance.now() + 20_000;
    let size = await this.seeHead(server, trail);
    while (size < wanted && performance.now() < deadlineMs) {
      await sleep(50);
      size = await this.seeHead(server, trail);
    }
    const entries = await readPublished({ url: server.url, key: server.adminKey, trail }, this.#read, size);
    for (const [i, line] of entries.entries()) {
      const id = eventIdOf(line);
      const index = this.#read + i;
      if (this.quarantined.has(index) && id !== undefined) this.broken.push(`${index} was quarantined and is ${id}`);
      if (id === undefined) continue;
      const before = this.places.get(id);
      if (before !== undefined) this.broken.push(`${id} is stored at ${before} and ${index}`);
      if (!this.sent.has(id)) this.broken.push(`${id} at ${index} was never sent`);
      this.places.set(id, index);
    }
    this.#read = Math.max(this.#read, size);
    for (const [id, index] of this.acknowledged) {
      const place = this.places.get(id);
      if (place !== index) this.broken.push(`${id} was acknowledged at ${index}, found at ${place ?? "no index"}`);
    }
  }
}

async function post(
  server: RunningServer,
  path: string,
  body: unknown,
  fine: readonly number[] = [],
): Promise<unknown> {
  const answer = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.adminKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok && !fine.includes(answer.status)) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** Watches checkpoints, seals and rotates while the load runs, until the server is gone. */
async function disturb(server: RunningServer, witness: Witness, random: () => number): Promise<void> {
  try {
    for (;;) {
      for (const name of [trail, "evident"]) await witness.seeHead(server, name);
      const name = random() < 0.7 ? trail : "evident";
      if (random() < 0.2) await post(server, `/v1/trails/${name}/seal`, { tail: random() < 0.5 });
      if (random() < 0.1) await post(server, `/v1/trails/${name}/rotate`, {}, [409]);
      await sleep(random() * 60);
    }
  } catch {
    // The server is gone: that is how every life ends.
  }
}

/** One life: load and disturbance for a random while, then SIGKILL. Returns whether it was told to stop shortly before. */
async function liveAndDie(
  server: RunningServer,
  producerKey: string,
  witness: Witness,
  life: number,
  random: () => number,
): Promise<boolean> {
  const load = startLoad({
    url: server.url,
    key: producerKey,
    trail,
    writers: 6,
    label: `life${life}`,
    brokenShare: 0.1,
    resend: witness.unanswered,
  });
  const disturbance = disturb(server, witness, random);
  await sleep(random() * 900);
  const isStopping = random() < 0.15;
  if (isStopping) server.signal("SIGTERM");
  await sleep(random() * 30);
  await server.kill();
  const outcome = await load.stop();
  await disturbance;
  expect(outcome.refused.filter((line) => !line.startsWith("503"))).toEqual([]);
  witness.note(outcome);
  return isStopping;
}

/**
 * What is wrong with the store as a kill left it. Only one that came into a stop, between the last checkpoint and the closing record,
 * leaves something that looks like tampering (docs/decisions/0004).
 */
async function inspect(dataDir: string, keys: readonly string[], isStopping: boolean): Promise<readonly string[]> {
  const { problems } = await verifyDirectory(dataDir, { keys });
  const wrong = problems.filter(
    ({ severity, detail }) =>
      severity === "failed" && !(isStopping && detail.includes("the log has no closing record")),
  );
  return wrong.map((problem) => JSON.stringify(problem));
}

function genesisOf(directory: string): readonly string[] {
  const text = readFileSync(join(directory, "data.keys", "trails.json"), "utf8");
  const trails = JSON.parse(text) as Record<string, { readonly genesis: readonly string[] }>;
  return trails["evident"]?.genesis ?? [];
}

describe(`a server killed again and again under load (seed ${seed})`, () => {
  it(
    `keeps every acknowledged event once over ${kills} kills, and never signs two roots for a size`,
    async () => {
      using directory = makeTemporaryDirectory("crash");
      const dataDir = join(directory.path, "data");
      const port = await freePort();
      const random = makeRandom(seed);
      const witness = new Witness();
      let server = await startServer({ dataDir, port });
      try {
        await post(server, "/v1/trails", { name: trail, tenant: "acme" });
        const made = await post(server, "/v1/keys", {
          role: "producer",
          tenant: "acme",
          sources: ["records"],
          trails: [trail],
        });
        const producerKey = (made as { key: string }).key;
        for (let life = 1; life <= kills; life += 1) {
          const isStopping = await liveAndDie(server, producerKey, witness, life, random);
          expect(await inspect(dataDir, genesisOf(directory.path), isStopping), `life ${life}`).toEqual([]);
          if (random() < 0.2) {
            const halfStarted = spawnServer({ dataDir, port });
            await sleep(random() * 1_200);
            await halfStarted.kill();
          }
          server = await startServer({ dataDir, port });
          await witness.compare(server);
          expect(witness.broken, `life ${life}`).toEqual([]);
        }
        expect(await server.stop()).toEqual({ code: 0, signal: null });
      } finally {
        await server.kill();
      }
      expect(witness.acknowledged.size).toBeGreaterThan(kills * 20);
      expect(witness.quarantined.size).toBeGreaterThan(0);
      expect(await verifyDirectory(dataDir, { keys: genesisOf(directory.path) })).toMatchObject({
        verdict: "verified",
        problems: [],
      });
    },
    kills * 30_000,
  );
});

describe("a second server", () => {
  it("is refused while the first is paused, and the first goes on", async () => {
    using directory = makeTemporaryDirectory("second");
    const dataDir = join(directory.path, "data");
    await using first = await startServer({ dataDir });
    await post(first, "/v1/trails", { name: trail, tenant: "acme" });
    first.signal("SIGSTOP");
    try {
      const second = spawnServer({ dataDir, port: await freePort() });
      const exit = await Promise.race([second.exited, sleep(20_000, undefined)]);
      if (exit === undefined) await second.kill();
      expect(exit).toEqual({ code: 19, signal: null });
      expect(second.output()).toContain("is open in another process");
    } finally {
      first.signal("SIGCONT");
    }
    await post(first, "/v1/trails", { name: "other", tenant: "acme" });
    expect(await first.stop()).toEqual({ code: 0, signal: null });
  });
});
