import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, makeTemporaryDirectory, startServer } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { startFollow } from "./follow/follow-process.ts";
import { Nginx, nginxPath } from "./follow/start-nginx.ts";
import { differences, readRequests } from "./follow/stored-requests.ts";

const isSoak = process.env.EVIDENT_SOAK === "1";
const clients = 8;
const requests = isSoak ? 20_000 : 1_000;

describe("following nginx", () => {
  it.skipIf(nginxPath === undefined)(
    "stores every request once while its log is rotated under load and the follower killed (needs nginx)",
    { timeout: 600_000 },
    async () => {
      using directory = makeTemporaryDirectory("follow-nginx");
      await using server = await startServer({ dataDir: join(directory.path, "data") });
      const nginx = await Nginx.start(join(directory.path, "nginx"), await freePort());
      const place = { cwd: directory.path, url: server.url, key: server.adminKey };
      const args = [nginx.log, "--format", "nginx", "--source", "shop", "--trail", "main"];
      let follower = startFollow(args, place);
      const follows = async (): Promise<void> => {
        while (!follower.output().includes("following")) await sleep(20);
      };
      await follows();
      const over = new AbortController();
      const mishaps = async (): Promise<void> => {
        for (let round = 1; !over.signal.aborted; round += 1) {
          await sleep(400);
          nginx.rotate();
          if (round % 4 !== 0) continue;
          await follower.kill("SIGKILL");
          follower = startFollow(args, place);
        }
      };
      const happening = mishaps();
      const asked: string[] = [];
      const client = async (name: number): Promise<void> => {
        for (let number = 0; number < requests; number += 1) {
          // One in five is for the same path in the same second: its lines are the same.
          const path = number % 5 === 0 ? "/same" : `/${name}/${number}`;
          if (await nginx.get(path)) asked.push(path);
          if (number % 20 === 0) await sleep(20);
        }
      };
      await Promise.all(Array.from({ length: clients }, (_, name) => client(name)));
      over.abort();
      await happening;
      await nginx.stop();
      await follows();
      expect(await follower.kill("SIGTERM")).toBe(0);
      const last = startFollow([...args, "--once"], place);
      expect(await last.exited).toBe(0);
      const stored = await readRequests({ url: server.url, key: server.adminKey, trail: "main" });
      expect(asked.length).toBe(clients * requests);
      expect(differences([...asked, "/ready"], stored)).toEqual([]);
      expect(stored.quarantined).toEqual([]);
    },
  );
});
