import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeTemporaryDirectory, type ServedStore, serveStore } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FollowState } from "./follow-state.ts";
import {
  type FollowerRun,
  type FollowerRunOptions,
  lineOf,
  packFile,
  readStored,
  runFollower,
  writeLines,
} from "./testing/index.ts";

let directory: ReturnType<typeof makeTemporaryDirectory>;
let server: ServedStore;
let logs = "";
let source = "";
let runs = 0;

beforeAll(async () => {
  directory = makeTemporaryDirectory("follower");
  server = await serveStore(directory.path);
});

afterAll(async () => {
  await server.close();
  directory[Symbol.dispose]();
});

/** A new directory for logs, with a source of its own. */
function newLogs(): void {
  runs += 1;
  source = `source-${runs}`;
  logs = join(directory.path, source);
  mkdirSync(logs);
}

function follow(patterns: readonly string[], options: FollowerRunOptions = {}): Promise<FollowerRun> {
  const place = { url: server.url, key: server.adminKey, state: join(logs, "state.sqlite"), source };
  const paths = patterns.map((pattern) => join(logs, pattern));
  return runFollower(place, paths, options);
}

function stored(): Promise<readonly string[]> {
  return readStored({ url: server.url, key: server.adminKey, source });
}

function write(name: string, ...paths: readonly string[]): void {
  writeLines(join(logs, name), ...paths);
}

describe("Follower", () => {
  it("reads on where it was, and a line only when it has its end", async () => {
    newLogs();
    write("a.log", "/1", "/2");
    const half = lineOf("/3");
    appendFileSync(join(logs, "a.log"), half.slice(0, 40));
    expect((await follow(["a.log"])).counts).toMatchObject({ read: 2, accepted: 2 });
    expect((await follow(["a.log"])).counts).toMatchObject({ read: 0 });
    appendFileSync(join(logs, "a.log"), `${half.slice(40)}${lineOf("/4")}`);
    expect((await follow(["a.log"])).counts).toMatchObject({ read: 2, accepted: 2 });
    expect(await stored()).toEqual(["/1", "/2", "/3", "/4"]);
  });

  it("stores lines that are the same as often as they were written, in one file and in two that begin alike", async () => {
    newLogs();
    const same = lineOf("/same");
    writeFileSync(join(logs, "a.log"), same.repeat(3));
    writeFileSync(join(logs, "b.log"), same.repeat(2));
    await follow(["*.log"]);
    renameSync(join(logs, "a.log"), join(logs, "a.log.1"));
    writeFileSync(join(logs, "a.log"), same.repeat(4));
    expect((await follow(["*.log"])).counts).toMatchObject({ accepted: 4, duplicates: 0 });
    expect(await stored()).toEqual(Array.from({ length: 9 }, () => "/same"));
  });

  it("recognises what is stored when its state is lost", async () => {
    newLogs();
    write("a.log.1", "/1", "/2");
    write("a.log", "/3");
    await follow(["a.log*"]);
    unlinkSync(join(logs, "state.sqlite"));
    renameSync(join(logs, "a.log.1"), join(logs, "a.log.2"));
    renameSync(join(logs, "a.log"), join(logs, "a.log.1"));
    expect((await follow(["a.log*"])).counts).toMatchObject({ read: 3, duplicates: 3 });
  });

  it("goes on in the renamed file before the new one, and finds both packed later", async () => {
    newLogs();
    write("a.log", "/1");
    await follow(["a.log"]);
    write("a.log", "/2");
    renameSync(join(logs, "a.log"), join(logs, "a.log.1"));
    write("a.log", "/3");
    await follow(["a.log"]);
    write("a.log", "/4");
    packFile(join(logs, "a.log.1"), join(logs, "a.log.2.gz"));
    packFile(join(logs, "a.log"), join(logs, "a.log.1.gz"));
    write("a.log", "/5");
    expect((await follow(["a.log"])).counts).toMatchObject({ read: 2, accepted: 2, duplicates: 0 });
    expect(await stored()).toEqual(["/1", "/2", "/3", "/4", "/5"]);
  });

  it("does not read what rotation had left before a file was named, nor again when that is packed", async () => {
    newLogs();
    write("a.log.1", "/old");
    write("a.log", "/1");
    await follow(["a.log"]);
    packFile(join(logs, "a.log.1"), join(logs, "a.log.2.gz"));
    expect((await follow(["a.log"])).counts).toMatchObject({ read: 0 });
    expect(await stored()).toEqual(["/1"]);
  });

  it("passes over what is there with --from-end, and reads what comes", async () => {
    newLogs();
    write("a.log", "/1", "/2");
    await follow(["a.log"], { isFromEnd: true });
    write("a.log", "/3");
    await follow(["a.log"], { isFromEnd: true });
    write("b.log", "/4");
    await follow(["a.log"], { isFromEnd: true });
    expect(await stored()).toEqual(["/3"]);
  });

  it("reads the rest of a truncated file in its copy, and the file from its start", async () => {
    newLogs();
    write("a.log", "/1");
    await follow(["a.log"]);
    write("a.log", "/2");
    copyFileSync(join(logs, "a.log"), join(logs, "a.log.1"));
    truncateSync(join(logs, "a.log"));
    write("a.log", "/3", "/4", "/5", "/6");
    await follow(["a.log"]);
    expect(await stored()).toEqual(["/1", "/2", "/3", "/4", "/5", "/6"]);
  });

  it("takes the unfinished line of a file that was rotated away, once", async () => {
    newLogs();
    write("a.log", "/1");
    appendFileSync(join(logs, "a.log"), lineOf("/2").trimEnd());
    renameSync(join(logs, "a.log"), join(logs, "a.log.1"));
    write("a.log", "/3");
    for (let round = 0; round < 3; round += 1) await follow(["a.log*"]);
    expect(await stored()).toEqual(["/1", "/2", "/3"]);
  });

  it("puts what is no line of the log into quarantine, and goes on behind it", async () => {
    newLogs();
    write("a.log", "/1");
    appendFileSync(join(logs, "a.log"), Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x0a]));
    appendFileSync(join(logs, "a.log"), `${"x".repeat(17 << 20)}\n`);
    appendFileSync(join(logs, "a.log"), "half a line of somebody el\n");
    write("a.log", "/2");
    const { counts, refusals } = await follow(["a.log"]);
    expect(counts).toMatchObject({ accepted: 2, quarantined: 3 });
    expect(refusals.map(({ reasons }) => reasons[0]?.problem)).toEqual([
      "the record is not UTF-8 text",
      `the record has ${17 << 20} bytes`,
      expect.any(String),
    ]);
    expect((await follow(["a.log"])).counts).toMatchObject({ read: 0 });
  });

  it("passes over the hole that a writer leaves which does not append", async () => {
    newLogs();
    write("a.log", "/1");
    await follow(["a.log"]);
    writeFileSync(join(logs, "a.log"), Buffer.concat([Buffer.alloc(300_000), Buffer.from(lineOf("/2"))]));
    const { counts, news } = await follow(["a.log"]);
    expect(counts).toMatchObject({ accepted: 1, quarantined: 0 });
    expect(news.join("\n")).toContain("begins with zero bytes");
  });

  it("says what it could not read of a file that is gone", async () => {
    newLogs();
    write("a.log", "/1");
    await follow(["a.log"]);
    write("a.log", "/2");
    await follow(["a.log"], { crashAfter: 1 });
    unlinkSync(join(logs, "a.log"));
    const { news } = await follow(["a.log"]);
    expect(news.join("\n")).toMatch(/a\.log is gone: of \d+ bytes, what follows byte \d+ was not read/);
  });

  it("does not share its state, and names a file that is none", async () => {
    newLogs();
    const held = new FollowState(join(logs, "state.sqlite"), "here");
    await expect(follow(["a.log"])).rejects.toMatchObject({ code: "store_in_use" });
    held.close();
    writeFileSync(join(logs, "state.sqlite"), "something else, long enough to be looked at as a header of a file");
    await expect(follow(["a.log"])).rejects.toMatchObject({ code: "malformed" });
  });

  it("takes a copy for a copy while it is being made", async () => {
    newLogs();
    const log = join(logs, "a.log");
    write("a.log", ...Array.from({ length: 30 }, (_, at) => `/${at}`));
    await follow(["a.log"]);
    write("a.log", "/30");
    const whole = readFileSync(log);
    writeFileSync(`${log}.1`, whole.subarray(0, 200));
    await follow(["a.log"], { crashAfter: 20, isOnce: false });
    writeFileSync(`${log}.1`, whole.subarray(0, 2_000));
    await follow(["a.log"], { crashAfter: 20, isOnce: false });
    writeFileSync(`${log}.1`, whole);
    truncateSync(log);
    write("a.log", "/31");
    await follow(["a.log"]);
    expect(await stored()).toEqual(Array.from({ length: 32 }, (_, at) => `/${at}`).sort());
  });

  it("finds a packed file although the inode of the file was given to another log", async () => {
    newLogs();
    write("a.log", "/1");
    write("b.log", "/2");
    await follow(["*.log"]);
    write("a.log", "/3");
    packFile(join(logs, "a.log"), join(logs, "a.log.1.gz"));
    write("a.log", "/4");
    const state = new FollowState(join(logs, "state.sqlite"), "here");
    const [first, second] = state.load();
    if (first === undefined || second === undefined) throw new Error("two logs are followed");
    first.file = second.file;
    state.save([first]);
    state.close();
    await follow(["*.log"]);
    expect(await stored()).toEqual(["/1", "/2", "/3", "/4"]);
  });
});
