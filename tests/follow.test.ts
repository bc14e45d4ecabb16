import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, makeRandom, makeTemporaryDirectory, type RunningServer, startServer } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { type FollowProcess, startFollow } from "./follow/follow-process.ts";
import { type Rotation, type WriterOptions, writeAndRotate, writtenPaths } from "./follow/rotating-writer.ts";
import { differences, readRequests } from "./follow/stored-requests.ts";

const isSoak = process.env.EVIDENT_SOAK === "1";
const seed = Number(process.env.EVIDENT_SEED ?? Math.trunc(Math.random() * 1_000_000));
const rotations: readonly Rotation[] = ["rename", "copytruncate", "gz", "delayed gz"];
const trail = "main";

/** A follower that is killed and started again until told otherwise, and a server that shares its fate now and then. */
class Mishaps {
  readonly #args: readonly string[];
  readonly #directory: string;
  readonly #port: number;
  readonly #random: () => number;
  server: RunningServer;
  #follower: FollowProcess;
  #kills = 0;
  #serverKills = 0;
  #isOver = false;
  readonly #outputs: string[] = [];

  constructor(directory: string, server: RunningServer, port: number, random: () => number, args: readonly string[]) {
    this.#directory = directory;
    this.server = server;
    this.#port = port;
    this.#random = random;
    this.#args = args;
    this.#follower = this.#start();
  }

  #start(): FollowProcess {
    return startFollow(this.#args, { cwd: this.#directory, url: this.server.url, key: this.server.adminKey });
  }

  /** What lies beside a log before it is followed is not read: writers wait for this. */
  async follows(): Promise<void> {
    while (!this.#follower.output().includes("following")) await sleep(20);
  }

  /** Kills until `stop`. */
  async run(longestMs: number): Promise<void> {
    for (;;) {
      await sleep(300 + this.#random() * longestMs);
      if (this.#isOver) return;
      if (this.#random() < 0.25) {
        await this.server.kill();
        this.#serverKills += 1;
        await sleep(this.#random() * 1_000);
        this.server = await startServer({ dataDir: join(this.#directory, "data"), port: this.#port });
      } else {
        await this.#follower.kill(this.#random() < 0.8 ? "SIGKILL" : "SIGTERM");
        this.#outputs.push(this.#follower.output());
        this.#kills += 1;
        await sleep(this.#random() * 800);
        this.#follower = this.#start();
      }
    }
  }

  /** What happened, for whoever has to find out why lines are missing. */
  story(seed: number): string {
    const killed = `${this.#kills} kills of the follower, ${this.#serverKills} of the server`;
    return `EVIDENT_SEED=${seed}, ${killed}:\n${this.#outputs.join("\n---\n")}`;
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Lets everything be read to the end, and ends it. */
  async finish(): Promise<void> {
    await this.#follower.kill("SIGTERM");
    this.#outputs.push(this.#follower.output());
    const last = startFollow([...this.#args, "--once"], {
      cwd: this.#directory,
      url: this.server.url,
      key: this.server.adminKey,
    });
    const code = await last.exited;
    this.#outputs.push(last.output());
    if (code !== 0) throw new Error(`the last run ended with ${code}:\n${last.output()}`);
  }
}

describe("following logs", () => {
  it("stores every line once, through every kind of rotation under load, with follower and server killed", {
    timeout: isSoak ? 3_600_000 : 120_000,
  }, async () => {
    using directory = makeTemporaryDirectory("follow");
    const logs = join(directory.path, "logs");
    mkdirSync(logs);
    const random = makeRandom(seed);
    const port = await freePort();
    const server = await startServer({ dataDir: join(directory.path, "data"), port });
    const args = [join(logs, "*.log"), "--format", "combined", "--source", "web", "--trail", trail];
    const mishaps = new Mishaps(directory.path, server, port, random, args);
    await mishaps.follows();
    const killing = mishaps.run(isSoak ? 6_000 : 3_000);
    const writers: readonly WriterOptions[] = rotations.map((rotation, at) => ({
      directory: logs,
      rotation,
      label: rotation.replace(" ", "-"),
      lines: isSoak ? 150_000 : 8_000,
      linesPerFile: isSoak ? 4_000 : 800,
      random: makeRandom(seed + at + 1),
    }));
    try {
      await Promise.all(writers.map((writer) => writeAndRotate(writer)));
      mishaps.stop();
      await killing;
      await mishaps.finish();
      const stored = await readRequests({ url: mishaps.server.url, key: mishaps.server.adminKey, trail });
      const written = writers.flatMap((writer) => [...writtenPaths(writer)]);
      const wrong = differences(written, stored);
      if (wrong.length > 0) throw new Error(`${wrong.slice(0, 20).join("\n")}\n${mishaps.story(seed)}`);
      expect(stored.quarantined.slice(0, 3)).toEqual([]);
    } finally {
      await mishaps.server.stop();
    }
  });
});
