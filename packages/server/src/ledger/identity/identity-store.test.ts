import { readdirSync } from "node:fs";
import { makeTemporaryDirectory } from "@evident/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addAll, findKnown, findLost, makeCrowdedIdentity, makeIdentity } from "./make-identities.ts";
import { openIdentityStore } from "./open-identity-store.ts";
import type { FirstSeen } from "./types.ts";

const ready = Promise.resolve();

describe("an identity store", () => {
  it("tells sameness by sent, and keeps the largest trail and index", async () => {
    using directory = makeTemporaryDirectory("identity");
    const store = await openIdentityStore(directory.path);
    const index = 2 ** 48 - 2;
    store.add(makeIdentity(1, 7), 65_535, index);
    store.add(makeIdentity(2, 7), 0, 0);
    store.add(makeIdentity(3, 7), 1, 2 ** 32 - 1);
    for (let i = 0; i < 2; i += 1) {
      expect(store.find(makeIdentity(1, 7))).toEqual({ trail: 65_535, index, same: true });
      expect(store.find(makeIdentity(1, 8))).toEqual({ trail: 65_535, index, same: false });
      expect(store.find(makeIdentity(2, 7))).toEqual({ trail: 0, index: 0, same: true });
      expect(store.find(makeIdentity(3, 7))).toEqual({ trail: 1, index: 2 ** 32 - 1, same: true });
      expect(store.find(makeIdentity(4, 7))).toBeUndefined();
      await store.flush({ a: index }, ready);
    }
    expect(store.count).toBe(3);
    await store.close();
    expect(() => store.find(makeIdentity(1, 7))).toThrow("closed");
  });

  it("writes nothing of a flush whose entries do not become durable, and takes them along later", async () => {
    using directory = makeTemporaryDirectory("identity");
    const store = await openIdentityStore(directory.path);
    addAll(store, makeIdentity, 0, 1_000);
    const failing = store.flush({ a: 1_000 }, Promise.reject(new Error("the log failed")));
    await expect(failing).rejects.toThrow("the log failed");
    expect(readdirSync(directory.path)).toEqual([]);
    expect(store.coveredTo).toEqual({});
    expect(store.unflushed).toBe(1_000);
    addAll(store, makeIdentity, 1_000, 1_500);
    await store.flush({ a: 1_500, b: 3 }, ready);
    expect(store.unflushed).toBe(0);
    await store.close();
    const again = await openIdentityStore(directory.path);
    expect(again.coveredTo).toEqual({ a: 1_500, b: 3 });
    expect(again.count).toBe(1_500);
    expect(findLost(again, makeIdentity, 0, 1_500)).toEqual([]);
    await again.close();
  });

  it("freezes in the turn of the call: what is added meanwhile is not covered, and is found all the time", async () => {
    using directory = makeTemporaryDirectory("identity");
    const store = await openIdentityStore(directory.path);
    addAll(store, makeIdentity, 0, 5_000);
    const durable = Promise.withResolvers<void>();
    const flushing = store.flush({ a: 5_000 }, durable.promise);
    addAll(store, makeIdentity, 5_000, 9_000);
    expect(store.unflushed).toBe(4_000);
    expect(findLost(store, makeIdentity, 0, 9_000)).toEqual([]);
    durable.resolve();
    await flushing;
    expect(findLost(store, makeIdentity, 0, 9_000)).toEqual([]);
    await store.close();
    const again = await openIdentityStore(directory.path);
    expect(again.count).toBe(5_000);
    expect(again.find(makeIdentity(5_000))).toBeUndefined();
    await again.close();
  });

  it("discards what another binding keyed and what covers more than the trails hold", async () => {
    using directory = makeTemporaryDirectory("identity");
    async function fill(): Promise<void> {
      const store = await openIdentityStore(directory.path, { binding: "one" });
      addAll(store, makeIdentity, 0, 100);
      await store.flush({ a: 100, b: 7 }, ready);
      await store.close();
    }
    async function coveredWith(options: Parameters<typeof openIdentityStore>[1]): Promise<number> {
      const opened = await openIdentityStore(directory.path, options);
      await opened.close();
      return opened.coveredTo["a"] ?? 0;
    }
    await fill();
    expect(await coveredWith({ binding: "one", trailSizes: { a: 100, b: 8, c: 1 } })).toBe(100);
    expect(await coveredWith({ binding: "one", trailSizes: { a: 99, b: 8 } })).toBe(0);
    expect(readdirSync(directory.path)).toEqual([]);
    await fill();
    expect(await coveredWith({ binding: "one", trailSizes: { a: 100 } })).toBe(0);
    await fill();
    expect(await coveredWith({ binding: "two", trailSizes: { a: 100, b: 8 } })).toBe(0);
  });
});

describe("an identity store of many runs", () => {
  for (const [name, make, count] of [
    ["spread", makeIdentity, 30_000],
    ["crowded", makeCrowdedIdentity, 4_000],
  ] as const) {
    it.each([256 << 20, 0])(
      `finds all ${name} keys and no other, merged and reopened, in %i bytes`,
      async (memoryBytes) => {
        using directory = makeTemporaryDirectory("identity");
        const store = await openIdentityStore(directory.path, { memoryBytes });
        const step = count / 10;
        for (let from = 0; from < count; from += step) {
          addAll(store, make, from, from + step);
          await store.flush({ a: from + step }, ready);
        }
        const runs = (): number => readdirSync(directory.path).filter((file) => file.endsWith(".run")).length;
        await expect.poll(runs).toBeLessThanOrEqual(6);
        expect(findLost(store, make, 0, count)).toEqual([]);
        expect(findKnown(store, make, count, count + step)).toEqual([]);
        await store.close();
        const again = await openIdentityStore(directory.path, { memoryBytes });
        expect(findLost(again, make, 0, count)).toEqual([]);
        expect(again.count).toBe(count);
        await again.close();
      },
    );
  }
});

type Step =
  | { readonly kind: "add"; readonly ids: readonly number[] }
  | { readonly kind: "flush" | "failing flush" | "reopen" | "wait" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.nat(400), { maxLength: 60 }).map((ids) => ({ kind: "add" as const, ids })) },
  { weight: 3, arbitrary: fc.constant({ kind: "flush" as const }) },
  { weight: 1, arbitrary: fc.constantFrom("failing flush", "reopen", "wait").map((kind) => ({ kind })) },
);

describe("an identity store beside a map", () => {
  it("gives the same answers whatever is added, flushed, merged and reopened", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 60 }), fc.boolean(), fc.boolean(), async (all, crowded, small) => {
        using directory = makeTemporaryDirectory("identity");
        const options = { memoryBytes: small ? 0 : 64 << 20 };
        const make = crowded ? makeCrowdedIdentity : makeIdentity;
        let store = await openIdentityStore(directory.path, options);
        let model = new Map<number, FirstSeen>();
        let durable = new Map<number, FirstSeen>();
        let next = 0;
        function add(id: number): void {
          const known = model.get(id);
          expect(store.find(make(id))).toEqual(known);
          if (known !== undefined) return;
          const first = { trail: id % 7, index: next, same: true };
          store.add(make(id), first.trail, first.index);
          model.set(id, first);
          next += 1;
        }
        async function run(step: Step): Promise<void> {
          switch (step.kind) {
            case "add":
              step.ids.forEach(add);
              return;
            case "flush":
              await store.flush({ a: next }, ready);
              durable = new Map(model);
              return;
            case "failing flush":
              await store.flush({ a: next }, Promise.reject(new Error("not durable"))).catch(() => undefined);
              return;
            case "reopen":
              await store.close();
              store = await openIdentityStore(directory.path, options);
              model = new Map(durable);
              return;
            case "wait":
              await new Promise((resolve) => setTimeout(resolve, 3));
          }
        }
        for (const step of all) {
          await run(step);
          expect(store.count).toBe(model.size);
        }
        for (let id = 0; id <= 400; id += 1) expect(store.find(make(id))).toEqual(model.get(id));
        await store.close();
      }),
      { numRuns: 60 },
    );
  });
});
