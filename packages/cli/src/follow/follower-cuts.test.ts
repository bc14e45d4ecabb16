import { appendFileSync, mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryDirectory, type ServedStore, serveStore } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lineOf, readStored, runFollower, writeLines } from "./testing/index.ts";

let directory: ReturnType<typeof makeTemporaryDirectory>;
let server: ServedStore;
let runs = 0;

beforeAll(async () => {
  directory = makeTemporaryDirectory("follower-cuts");
  server = await serveStore(directory.path);
});

afterAll(async () => {
  await server.close();
  directory[Symbol.dispose]();
});

function newPlace(): { url: string; key: string; state: string; source: string; logs: string } {
  runs += 1;
  const source = `source-${runs}`;
  const logs = join(directory.path, source);
  mkdirSync(logs);
  return { url: server.url, key: server.adminKey, state: join(logs, "state.sqlite"), source, logs };
}

describe("a follower that takes what is unfinished", () => {
  it("never stores a line in two forms, whenever it crashes and however late the line is completed", async () => {
    for (let crashAfter = 0; crashAfter < 60; crashAfter += 4) {
      const place = newPlace();
      const log = join(place.logs, "a.log");
      const half = lineOf("/half");
      writeLines(log, "/1");
      await runFollower(place, [log]);
      appendFileSync(log, half.slice(0, -30));
      renameSync(log, `${log}.1`);
      writeLines(log, "/2");
      await runFollower(place, [log], { crashAfter, isOnce: false });
      appendFileSync(`${log}.1`, half.slice(-30));
      await runFollower(place, [log]);
      const found = await readStored(place);
      // Cut or not: the line is an event or two records in quarantine, and never both.
      const whole = found.filter((path) => path === "/half").length;
      const parts = found.filter((each) => each.includes('"quarantine"')).length;
      expect({ crashAfter, whole, parts }).toEqual(
        whole === 1 ? { crashAfter, whole: 1, parts: 0 } : { crashAfter, whole: 0, parts: 2 },
      );
      expect(found.filter((path) => path === "/1" || path === "/2")).toEqual(["/1", "/2"]);
    }
  });

  it("takes the unfinished line of a file that is written to only when told so", async () => {
    const place = newPlace();
    const log = join(place.logs, "a.log");
    writeFileSync(log, `${lineOf("/1")}${lineOf("/2").trimEnd()}`);
    const { news } = await runFollower(place, [log], { lineAfterMs: 60_000 });
    expect(news.join("\n")).toContain("is left for the next time");
    expect(await readStored(place)).toEqual(["/1"]);
    await runFollower(place, [log], { lineAfterMs: 0 });
    expect(await readStored(place)).toEqual(["/1", "/2"]);
  });

  it("ends a statement that waits for its error, and makes no conflict of it after a crash", async () => {
    const prefix = (second: number): string => `2026-11-25 09:32:0${second}.000 UTC [42] bob@shop`;
    for (let crashAfter = 0; crashAfter < 60; crashAfter += 6) {
      const place = newPlace();
      const log = join(place.logs, "postgresql.log");
      writeFileSync(log, `${prefix(1)} LOG:  statement: select 1\n`);
      await runFollower(place, [log], { format: "postgresql", crashAfter, isOnce: false });
      appendFileSync(log, `${prefix(2)} LOG:  statement: select 2\n${prefix(3)} ERROR:  canceling statement\n`);
      await runFollower(place, [log], { format: "postgresql", crashAfter, isOnce: false });
      const { counts } = await runFollower(place, [log], { format: "postgresql" });
      expect({ crashAfter, quarantined: counts.quarantined }).toEqual({ crashAfter, quarantined: 0 });
      expect(await readStored(place)).toHaveLength(2);
    }
  });
});

describe("a follower of containers", () => {
  it("follows a link to where the runtime rotates, and takes the lines out of their wrapping", async () => {
    const place = newPlace();
    const pod = join(place.logs, "pod");
    mkdirSync(pod);
    const link = join(place.logs, "web.log");
    const wrap = (path: string): string => `2026-11-25T10:00:00.123456789Z stdout F ${lineOf(path)}`;
    writeFileSync(join(pod, "0.log"), wrap("/1"));
    symlinkSync(join(pod, "0.log"), link);
    await runFollower(place, [join(place.logs, "*.log")], { wrapping: "cri" });
    const line = lineOf("/long");
    const pieces = [`stdout P ${line.slice(0, 30)}\n`, `stdout F ${line.slice(30)}`];
    appendFileSync(join(pod, "0.log"), pieces.map((piece) => `2026-11-25T10:00:00Z ${piece}`).join(""));
    renameSync(join(pod, "0.log"), join(pod, "0.log.20261125-101500"));
    writeFileSync(join(pod, "0.log"), wrap("/2"));
    await runFollower(place, [join(place.logs, "*.log")], { wrapping: "cri" });
    expect(await readStored(place)).toEqual(["/1", "/2", "/long"]);
    unlinkSync(link);
    const { counts } = await runFollower(place, [join(place.logs, "*.log")], { wrapping: "cri" });
    expect(counts.read).toBe(0);
  });
});
