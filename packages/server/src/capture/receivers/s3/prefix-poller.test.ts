import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { EvidentError } from "@evident/core";
import { describe, expect, it } from "vitest";
import { receiverFormat } from "../format.ts";
import type { Sender, Sink } from "../sink.ts";
import type { Bucket, ListedObject } from "./bucket.ts";
import {
  type DoneObject,
  type DoneObjects,
  doneObjects,
  isDone,
  type ObjectState,
  objectFold,
  objectsRead,
} from "./object-state.ts";
import { PrefixPoller } from "./prefix-poller.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.parse("2026-11-25T12:00:00Z");
const line = '203.0.113.9 - ada [25/Nov/2026:10:00:00 +0000] "GET /records/7 HTTP/1.1" 200 512 "-" "curl/8"\n';

/** A poller over objects that a test puts and breaks, on a clock that it moves. */
class Bench {
  readonly objects = new Map<string, { readonly listed: ListedObject; readonly body: Uint8Array }>();
  readonly broken = new Set<string>();
  readonly opened: string[] = [];
  readonly counted: string[] = [];
  stored: string[] = [];
  state: ObjectState = objectFold.initial;
  statements: DoneObject[] = [];
  nowMs = START_MS;
  storeFails: Error | undefined;

  put(key: string, body: string | Uint8Array = line, modifiedMs = this.nowMs): void {
    const bytes = Buffer.from(body);
    this.objects.set(key, {
      listed: { key, etag: `${key}-${bytes.length}`, modifiedMs, sizeBytes: bytes.length },
      body: bytes,
    });
  }

  get done(): DoneObjects {
    return doneObjects(this.state, "r");
  }

  make(everyMs = 5): PrefixPoller {
    const bucket: Bucket = {
      list: () => Promise.resolve({ objects: [...this.objects.values()].map(({ listed }) => listed), folders: [] }),
      open: ({ key }) => {
        this.opened.push(key);
        if (this.broken.has(key)) return Promise.reject(new Error("AccessDenied"));
        const body = this.objects.get(key)?.body ?? new Uint8Array();
        return Promise.resolve(
          (async function* () {
            yield body;
          })(),
        );
      },
      close: () => undefined,
    };
    const sink: Sink = {
      store: (lines) => {
        if (this.storeFails !== undefined) return Promise.reject(this.storeFails);
        this.stored.push(
          ...lines.map((each) => (each.kind === "text" ? (JSON.parse(each.text) as { id: string }).id : "")),
        );
        return Promise.resolve({ accepted: lines.length, duplicates: 0, quarantined: 0 });
      },
      noteSkipped: () => undefined,
    };
    const sender: Sender = { receiver: "s3", name: "s3 b/", trail: "main", tenant: "default", source: "web" };
    return new PrefixPoller({
      bucket,
      bucketName: "b",
      format: receiverFormat("receivers.s3[0]", { format: "nginx", options: {} }),
      limits: { bodyBytes: 1 << 20, lineBytes: 1 << 17 },
      sender,
      sink,
      onBytes: () => undefined,
      nowMs: () => this.nowMs,
      prefix: "",
      startAfter: "",
      everyMs,
      progress: {
        done: () => this.done,
        note: (beforeMs, objects) => {
          this.statements.push(...objects);
          this.state = objectFold.apply(this.state, objectsRead("r", beforeMs, objects), 0, "");
          return Promise.resolve();
        },
      },
      events: {
        bytes: () => undefined,
        connections: () => undefined,
        lost: () => undefined,
        object: (status) => void this.counted.push(status),
      },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined },
    });
  }

  /** Lets a poller look until nothing changes. */
  async run(poller = this.make()): Promise<void> {
    poller.start();
    for (let before = -1; before !== this.opened.length; ) {
      before = this.opened.length;
      await sleep(60);
    }
    await poller.close();
  }
}

describe("PrefixPoller", () => {
  it("reads each object once over any number of looks and restarts, and a replaced one again", async () => {
    const bench = new Bench();
    for (let i = 0; i < 100; i += 1) bench.put(`k${i}`, line.repeat(2));
    await bench.run();
    await bench.run();
    expect([bench.opened.length, bench.stored.length, new Set(bench.stored).size]).toEqual([100, 200, 200]);
    bench.put("k7", line.repeat(3));
    await bench.run();
    expect(bench.opened.slice(100)).toEqual(["k7"]);
    expect(bench.stored.length).toBe(203);
  });

  it("gives an object the same ids whenever it is read", async () => {
    const first = new Bench();
    const second = new Bench();
    for (const bench of [first, second]) {
      bench.put("a", line.repeat(5));
      await bench.run();
    }
    expect(first.stored).toEqual(second.stored);
  });

  it("tries an object that fails again later, without holding up the others, and gives it up after a day", async () => {
    const bench = new Bench();
    bench.put("a");
    bench.put("b");
    bench.broken.add("a");
    const poller = bench.make();
    poller.start();
    await expect.poll(() => bench.statements.map(({ key }) => key)).toEqual(["b"]);
    await sleep(50);
    expect(bench.opened.filter((key) => key === "a")).toHaveLength(1);
    bench.nowMs += HOUR_MS;
    await expect.poll(() => bench.opened.filter((key) => key === "a").length).toBe(2);
    expect(bench.done.beforeMs).toBeLessThanOrEqual(START_MS);
    bench.nowMs += 24 * HOUR_MS;
    await expect
      .poll(() => bench.statements)
      .toMatchObject([{ key: "b" }, { key: "a", failed: "Error: AccessDenied" }]);
    await sleep(50);
    await poller.close();
    expect(bench.counted).toEqual(["retried", "done", "retried", "failed"]);
  });

  it("does not try a damaged object again, and keeps what came before the damage", async () => {
    const bench = new Bench();
    const whole = gzipSync(Array.from({ length: 3_000 }, (_, i) => line.replace("/7", `/${i}`)).join(""));
    bench.put("a", whole.subarray(0, whole.length - 50));
    await bench.run();
    expect(bench.statements).toMatchObject([{ key: "a", failed: expect.stringMatching(/gzip body is damaged/) }]);
    expect(bench.stored.length).toBeGreaterThan(500);
    await bench.run();
    expect(bench.opened).toEqual(["a"]);
  });

  it("stops when nothing can be stored, and has stated nothing of it", async () => {
    const bench = new Bench();
    bench.put("a");
    bench.storeFails = new EvidentError("storage_failed", "the disk is gone");
    await bench.run();
    expect([bench.opened, bench.statements]).toEqual([["a"], []]);
  });

  it("forgets keys of days that are done, and only those", async () => {
    const bench = new Bench();
    bench.put("old", line, START_MS - 200 * HOUR_MS);
    bench.put("recent", line, START_MS - 10 * HOUR_MS);
    await bench.run();
    bench.nowMs += 200 * HOUR_MS;
    bench.put("new");
    await bench.run();
    expect(bench.opened).toEqual(["old", "recent", "new"]);
    expect(Object.values(bench.done.days).flatMap((keys) => Object.keys(keys))).toEqual(["new"]);
    // An object that appears with a time of three days ago is still found.
    bench.put("late", line, bench.nowMs - 70 * HOUR_MS);
    await bench.run();
    expect(bench.opened.at(-1)).toBe("late");
  });
});

describe("the fold of objects", () => {
  it("keeps receivers apart, passes over what it does not know, and never goes back", () => {
    const object = {
      key: "__proto__",
      etag: "e",
      modified: "2026-11-25T12:00:00.000Z",
      stored: 1,
      duplicates: 0,
      quarantined: 0,
      skipped: 0,
    };
    let state = objectFold.apply(objectFold.initial, objectsRead("a", START_MS - HOUR_MS, [object]), 0, "");
    state = objectFold.apply(state, objectsRead("a", START_MS - 9 * HOUR_MS, []), 1, "");
    state = objectFold.apply(state, { type: "key.created" }, 2, "");
    state = objectFold.apply(state, { type: "s3.objects_read", receiver: "a", objects: [7] }, 3, "");
    expect(doneObjects(state, "a").beforeMs).toBe(START_MS - HOUR_MS);
    const listed = { key: "__proto__", etag: "e", modifiedMs: START_MS, sizeBytes: 1 };
    expect(isDone(doneObjects(state, "a"), listed)).toBe(true);
    expect(isDone(doneObjects(state, "b"), listed)).toBe(false);
    expect(isDone(doneObjects(state, "a"), { ...listed, etag: "f" })).toBe(false);
    expect(isDone(doneObjects(JSON.parse(JSON.stringify(state)) as ObjectState, "a"), listed)).toBe(true);
  });
});
