import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EvidentError } from "@evident/core";
import { FaultyFileSystem, makeRandom, makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { nodeFileSystem } from "../storage/index.ts";
import { addAll, findKnown, findLost, makeIdentity } from "./make-identities.ts";
import { openIdentityStore } from "./open-identity-store.ts";

const ready = Promise.resolve();

describe("an identity store on a full disk", () => {
  for (const call of ["create", "pwrite", "fsync", "rename", "unlink", "syncDirectory"] as const) {
    it.each(["lost", "applied"] as const)(
      `loses nothing when ${call} fails, %s, and writes it with the next flush`,
      async (how) => {
        using directory = makeTemporaryDirectory("identity");
        const fileSystem = new FaultyFileSystem(nodeFileSystem);
        const store = await openIdentityStore(directory.path, { fileSystem });
        for (let nth = 1; nth <= 4; nth += 1) {
          addAll(store, makeIdentity, nth * 2_000 - 2_000, nth * 2_000);
          fileSystem.fail({ call, nth, how, error: "ENOSPC" });
          const failure: unknown = await store.flush({ a: nth * 2_000 }, ready).catch((cause: unknown) => cause);
          const code = failure instanceof EvidentError ? failure.code : "none";
          expect(["none", "storage_full"]).toContain(code);
          fileSystem.heal();
          expect(findLost(store, makeIdentity, 0, nth * 2_000)).toEqual([]);
          expect(store.count).toBe(nth * 2_000);
        }
        await store.flush({ a: 8_000 }, ready);
        expect(store.unflushed).toBe(0);
        await store.close();
        const again = await openIdentityStore(directory.path);
        expect(again.coveredTo).toEqual({ a: 8_000 });
        expect(findLost(again, makeIdentity, 0, 8_000)).toEqual([]);
        await again.close();
      },
    );
  }
});

/** Fills a store in eight flushes and lets it merge, until that is done or the disk stops at its `nth` call. */
async function fillUntilCrash(dir: string, nth: number): Promise<"crashed" | "done"> {
  const fileSystem = new FaultyFileSystem(nodeFileSystem);
  fileSystem.fail({ nth, how: nth % 2 === 0 ? "crash_before" : "crash_after" });
  async function fill(): Promise<"done"> {
    const store = await openIdentityStore(dir, { fileSystem });
    for (let from = 0; from < 1_600; from += 200) {
      addAll(store, makeIdentity, from, from + 200);
      await store.flush({ a: from + 200 }, ready);
    }
    await expect.poll(() => readdirSync(dir).length).toBeLessThanOrEqual(5);
    await store.close();
    return "done";
  }
  return Promise.race([fileSystem.crashed.then(() => "crashed" as const), fill()]);
}

describe("an identity store after a crash", () => {
  it("holds exactly what its manifest covers, whatever step of flushes and merges was the last", async () => {
    let covered: number[] = [];
    for (let nth = 1; nth < 400; nth += 3) {
      using directory = makeTemporaryDirectory("identity");
      const outcome = await fillUntilCrash(directory.path, nth);
      const store = await openIdentityStore(directory.path);
      const size = store.coveredTo["a"] ?? 0;
      covered = [...covered, size];
      expect(store.count).toBe(size);
      expect(findLost(store, makeIdentity, 0, size)).toEqual([]);
      await store.close();
      if (outcome === "done") break;
    }
    expect(covered.length).toBeGreaterThan(20);
    expect(covered.at(-1)).toBe(1_600);
  });
});

const seed = randomBytes(4).readUInt32LE();

/** Asks a store of 1,700 numbers everything: the wrong answers, or how it refused to give any. */
async function askAll(dir: string, memoryBytes: number): Promise<readonly number[] | "discarded" | "ended"> {
  const store = await openIdentityStore(dir, { memoryBytes });
  try {
    if (store.coveredTo["a"] !== 1_700) return store.count === 0 && readdirSync(dir).length === 0 ? "discarded" : [-1];
    return [...findLost(store, makeIdentity, 0, 1_700), ...findKnown(store, makeIdentity, 1_700, 9_000)];
  } catch (cause) {
    if (cause instanceof EvidentError && cause.code === "corrupt_store") return "ended";
    throw cause;
  } finally {
    await store.close();
  }
}

describe("an identity store with damaged files", () => {
  it(`never gives a wrong answer: it discards them, or ends and is empty the next time (seed ${seed})`, async () => {
    const random = makeRandom(seed);
    using origin = makeTemporaryDirectory("identity");
    const whole = await openIdentityStore(origin.path);
    addAll(whole, makeIdentity, 0, 1_500);
    await whole.flush({ a: 1_500 }, ready);
    addAll(whole, makeIdentity, 1_500, 1_700);
    await whole.flush({ a: 1_700 }, ready);
    await whole.close();
    const files = readdirSync(origin.path);
    const outcomes = new Set<string>();
    for (let round = 0; round < 300; round += 1) {
      using copy = makeTemporaryDirectory("identity");
      for (const [i, name] of files.entries()) {
        const bytes = readFileSync(join(origin.path, name));
        const at = Math.floor(random() * bytes.length);
        if (i === round % files.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
        const isCut = i === round % files.length && round % 10 === 0;
        writeFileSync(join(copy.path, name), isCut ? bytes.subarray(0, at) : bytes);
      }
      const memoryBytes = round % 2 === 0 ? 0 : 1 << 20;
      const outcome = await askAll(copy.path, memoryBytes);
      outcomes.add(String(outcome));
      const next = outcome === "ended" ? await askAll(copy.path, memoryBytes) : "discarded";
      expect(next).toBe("discarded");
    }
    expect([...outcomes].sort()).toEqual(["discarded", "ended"]);
  });
});
