import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { uuidV7 } from "../event/index.ts";
import type { Found } from "./adopt.ts";
import { describeOwner, isGone } from "./owner.ts";
import { Spool } from "./spool.ts";
import { lineOf } from "./testing/index.ts";

const limits = { events: 100, bytes: 4_096 };

function open(dir: string, change: { readonly maxBytes?: number; readonly segmentBytes?: number } = {}): Spool {
  const sizes = { maxBytes: 1 << 20, segmentBytes: 1_000, ...change };
  return new Spool({ dir, instance: uuidV7(Date.now()), adoptAfterMs: 60_000, ...sizes });
}

function fill(spool: Spool, from: number, count: number): void {
  for (let seq = from; seq < from + count; seq += 1) expect(spool.append(lineOf(seq), Date.now())).toBe("taken");
}

/** Takes everything out, and says which events came in which order. */
async function drain(spool: Spool): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let batch = await spool.next(limits); batch !== undefined; batch = await spool.next(limits)) {
    ids.push(...batch.lines.map((line) => /"id":"([^"]+)"/.exec(line)?.[1] ?? line));
    spool.acknowledge(batch, batch.lines.length, 0);
  }
  return ids;
}

async function adopt(spool: Spool): Promise<readonly Found[]> {
  const found: Found[] = [];
  await spool.adopt((each) => found.push(each));
  return found;
}

const ids = (from: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, place) => `e-${from + place}`);
const foldersOf = (dir: string): readonly string[] => readdirSync(dir).filter((name) => !name.startsWith("."));

/** Runs `testing/write-and-die.ts`. */
function killedWriter(dir: string, count: number): void {
  const script = join(import.meta.dirname, "testing/write-and-die.ts");
  const { signal, stderr } = spawnSync(process.execPath, [script, dir, String(count)], { encoding: "utf8" });
  expect([signal, stderr]).toEqual(["SIGKILL", ""]);
}

describe("a spool", () => {
  it("gives lines back in order, over many files, until they are acknowledged", async () => {
    using directory = makeTemporaryDirectory("spool");
    const spool = open(directory.path);
    fill(spool, 1, 50);
    const first = await spool.next(limits);
    expect((await spool.next(limits))?.lines).toEqual(first?.lines);
    if (first !== undefined) spool.acknowledge(first, 2, 2);
    expect(await drain(spool)).toEqual(ids(3, 48));
    expect(spool).toMatchObject({ isEmpty: true, appended: 50, settled: 50 });
    fill(spool, 51, 30);
    expect(await drain(spool)).toEqual(ids(51, 30));
    expect(
      readdirSync(join(directory.path, foldersOf(directory.path)[0] ?? "")).filter((name) => name.endsWith("ndjson")),
    ).toHaveLength(1);
    spool.release();
    expect(foldersOf(directory.path)).toEqual([]);
  });

  it("is full at its bound, and takes lines again when some have gone", async () => {
    using directory = makeTemporaryDirectory("spool");
    const spool = open(directory.path, { maxBytes: 5_000 });
    let taken = 0;
    while (spool.append(lineOf(taken), Date.now()) === "taken") taken += 1;
    expect(spool.usedBytes).toBeLessThanOrEqual(5_000);
    expect(spool.usedBytes).toBeGreaterThan(4_700);
    expect(spool.append(lineOf(taken), Date.now())).toBe("full");
    expect(await drain(spool)).toHaveLength(taken);
    expect(spool.append(lineOf(taken), Date.now())).toBe("taken");
    expect(await drain(spool)).toHaveLength(1);
    spool.release();
  });

  it("takes a line that is larger than a batch", async () => {
    using directory = makeTemporaryDirectory("spool");
    const spool = open(directory.path, { segmentBytes: 100_000 });
    const large = JSON.stringify({ id: "large", text: "x".repeat(50_000) });
    spool.append(large, Date.now());
    fill(spool, 1, 3);
    expect(await drain(spool)).toEqual(["large", "e-1", "e-2", "e-3"]);
    spool.release();
  });

  it("keeps nothing of a line that could not be written", async () => {
    using directory = makeTemporaryDirectory("spool");
    const spool = open(directory.path);
    fill(spool, 1, 2);
    const [folder = ""] = foldersOf(directory.path);
    // The next file cannot be made while something else has its name.
    mkdirSync(join(directory.path, folder, "00000002.ndjson"));
    expect(() => fill(spool, 3, 20)).toThrow(/EEXIST|EISDIR/);
    fill(spool, 100, 2);
    expect((await drain(spool)).slice(-2)).toEqual(ids(100, 2));
    spool.release();
  });

  it("makes lines durable in groups", async () => {
    using directory = makeTemporaryDirectory("spool");
    const spool = open(directory.path);
    expect(spool.needsSync).toBe(true);
    fill(spool, 1, 30);
    await Promise.all([spool.sync(), spool.sync(), spool.sync()]);
    expect(spool.needsSync).toBe(false);
    const waiting = [spool.sync()];
    fill(spool, 31, 1);
    waiting.push(spool.sync(), spool.sync());
    await Promise.all(waiting);
    expect(spool.needsSync).toBe(false);
    spool.release();
  });
});

describe("what other writers left", () => {
  it("is taken from a process that was killed, with what it had begun and never wrote", async () => {
    using directory = makeTemporaryDirectory("spool");
    killedWriter(directory.path, 25);
    const [folder = ""] = foldersOf(directory.path);
    const last =
      readdirSync(join(directory.path, folder))
        .filter((name) => name.endsWith("ndjson"))
        .toSorted()
        .at(-1) ?? "";
    appendFileSync(join(directory.path, folder, last), '{"v":1,"id":"torn');
    const spool = open(directory.path);
    fill(spool, 1_000, 3);
    const [found, ...others] = await adopt(spool);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ died: true, events: 25, tornBytes: 17, lastSeq: 25 });
    expect(found?.unfinished).toEqual([{ id: "e-open", begunMs: 2_000, what: "GET" }]);
    expect(await adopt(spool)).toEqual([]);
    expect(await drain(spool)).toEqual([...ids(1, 25), ...ids(1_000, 3)]);
    spool.release();
    expect(foldersOf(directory.path)).toEqual([]);
  });

  it("is not taken from a process that lives", async () => {
    using directory = makeTemporaryDirectory("spool");
    const one = open(directory.path);
    const two = open(directory.path);
    fill(one, 1, 5);
    fill(two, 11, 5);
    expect([await adopt(one), await adopt(two)]).toEqual([[], []]);
    expect([await drain(one), await drain(two)]).toEqual([ids(1, 5), ids(11, 5)]);
    one.release();
    two.release();
  });

  it("is taken from a writer that released it, without what has a verdict", async () => {
    using directory = makeTemporaryDirectory("spool");
    const one = open(directory.path);
    fill(one, 1, 30);
    const batch = await one.next(limits);
    const sent = batch?.lines.length ?? 0;
    if (batch !== undefined) one.acknowledge(batch, sent, sent);
    const more = await one.next(limits);
    if (more !== undefined) one.acknowledge(more, 1, sent + 1);
    one.release();
    const two = open(directory.path);
    expect(await adopt(two)).toMatchObject([{ died: false, events: 30 - sent - 1, unfinished: [] }]);
    expect(await drain(two)).toEqual(ids(sent + 2, 30 - sent - 1));
    two.release();
  });

  it("is taken once, however many try, and through a chain of deaths", async () => {
    using directory = makeTemporaryDirectory("spool");
    const chain = (count: number): void => {
      for (let place = 0; place < count; place += 1) {
        const spool = open(directory.path);
        fill(spool, place * 10, 10);
        spool.release();
      }
    };
    chain(5);
    const middle = open(directory.path);
    expect(await adopt(middle)).toHaveLength(5);
    fill(middle, 50, 10);
    middle.release();
    const many = Array.from({ length: 4 }, () => open(directory.path));
    await Promise.all(many.map((each) => adopt(each)));
    const drained = (await Promise.all(many.map((each) => drain(each)))).flat();
    expect(drained.toSorted()).toEqual(ids(0, 60).toSorted());
    for (const each of many) each.release();
    expect(foldersOf(directory.path)).toEqual([]);
  });

  it("passes on what a power loss damaged: the server keeps it in quarantine", async () => {
    using directory = makeTemporaryDirectory("spool");
    killedWriter(directory.path, 3);
    const [folder = ""] = foldersOf(directory.path);
    const path = join(directory.path, folder, "00000001.ndjson");
    const sizeBytes = statSync(path).size;
    writeFileSync(path, Buffer.concat([Buffer.from("\n  \n"), Buffer.from([0, 0, 255, 10]), Buffer.alloc(5_000)]), {
      flag: "a",
    });
    truncateSync(path, sizeBytes + 5_000);
    const spool = open(directory.path);
    expect(await adopt(spool)).toMatchObject([{ events: 6, tornBytes: 4_992 }]);
    const drained = await drain(spool);
    expect(drained.slice(0, 3)).toEqual(ids(1, 3));
    expect(drained).toHaveLength(4);
    expect(drained[3]).toContain("\0\0");
    spool.release();
  });

  it("starts anew when it was itself taken while it stood still", async () => {
    using directory = makeTemporaryDirectory("spool");
    const stalled = open(directory.path);
    fill(stalled, 1, 5);
    const [folder = ""] = foldersOf(directory.path);
    const other = open(directory.path);
    // What another host does with a folder that gave no sign of life.
    const taken = foldersOf(directory.path).find((name) => name !== folder) ?? "";
    renameSync(join(directory.path, folder), join(directory.path, taken, folder));
    expect(stalled.append(lineOf(6), Date.now() + 40_000)).toBe("taken");
    expect(stalled).toMatchObject({ appended: 6, settled: 5 });
    expect(await drain(stalled)).toEqual(["e-6"]);
    other.release();
    const next = open(directory.path);
    await adopt(next);
    expect(await drain(next)).toEqual(ids(1, 5));
    stalled.release();
    next.release();
  });

  it("leaves a folder that is only being made, until it is old", async () => {
    using directory = makeTemporaryDirectory("spool");
    const making = join(directory.path, ".making-x");
    mkdirSync(making);
    const spool = open(directory.path);
    await adopt(spool);
    expect(existsSync(making)).toBe(true);
    utimesSync(making, 0, 0);
    await adopt(spool);
    expect(existsSync(making)).toBe(false);
    spool.release();
  });
});

describe("an owner", () => {
  const own = describeOwner("x");

  it("lives while its process does, however long it is silent", () => {
    expect(isGone(own, 1e9, 1_000)).toBe(false);
  });

  it.runIf(process.platform === "linux")("is gone when its number belongs to another process, or to none", async () => {
    expect(isGone({ ...own, started: "1" }, 0, 1_000)).toBe(true);
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    const { pid = 0 } = child;
    expect(isGone({ ...own, pid }, 0, 1_000)).toBe(true);
    await new Promise((resolve) => {
      child.once("close", resolve);
      child.kill("SIGKILL");
    });
    expect(isGone({ ...own, pid }, 0, 1_000)).toBe(true);
  });

  it.runIf(process.platform === "linux")(
    "of another container is gone when it is silent; of an earlier boot, at once",
    () => {
      const elsewhere = { ...own, pidNamespace: "pid:[1]" };
      expect([isGone(elsewhere, 500, 1_000), isGone(elsewhere, 1_500, 1_000)]).toEqual([false, true]);
      expect(isGone({ ...own, boot: "earlier" }, 0, 1_000)).toBe(true);
      const otherHost = { ...own, boot: "another", host: "another" };
      expect([isGone(otherHost, 500, 1_000), isGone(otherHost, 1_500, 1_000)]).toEqual([false, true]);
    },
  );

  it("without facts of the system is judged by its number", () => {
    const { v, instance, host, pid } = own;
    expect(isGone({ v, instance, host, pid: 2 ** 30 }, 0, 1_000)).toBe(true);
    expect(isGone({ v, instance, host, pid }, 500, 1_000)).toBe(false);
    expect(isGone({ v, instance, host, pid }, 1_500, 1_000)).toBe(true);
  });
});
