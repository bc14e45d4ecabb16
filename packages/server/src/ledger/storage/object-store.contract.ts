import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ObjectStore } from "./types.ts";
import { records, type StoragePlace } from "./wal.contract.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** What every `ObjectStore` must do, whatever stores it. */
export function objectStoreContract(make: () => StoragePlace): void {
  let place: StoragePlace;
  let objects: ObjectStore;
  beforeEach(() => {
    place = make();
    objects = place.open().objects;
  });
  afterEach(() => place.dispose());

  describe("an object store", () => {
    it("creates once: the same bytes again are fine, others are refused and change nothing", async () => {
      await objects.create("trails/a/tile/0/000", text("one"));
      await objects.create("trails/a/tile/0/000", text("one"));
      await expect(objects.create("trails/a/tile/0/000", text("two"))).rejects.toMatchObject({ code: "corrupt_store" });
      expect(await place.open().objects.read("trails/a/tile/0/000")).toEqual(text("one"));
    });

    it("lets one of two creates of a name at the same time win", async () => {
      const both = await Promise.allSettled([objects.create("a", text("1")), objects.create("a", text("2"))]);
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      const winner = both[0]?.status === "fulfilled" ? "1" : "2";
      expect(await objects.read("a")).toEqual(text(winner));
    });

    it("creates many, in directories that were not there", async () => {
      const many = Array.from({ length: 50 }, (_, i) => ({ name: `t/${i % 7}/x${i}.p/1`, bytes: text(String(i)) }));
      await objects.createMany(many);
      await objects.createMany(many);
      for (const { name, bytes } of many) expect(await objects.read(name)).toEqual(bytes);
    });

    it("creates from a stream and states length and SHA-256", async () => {
      const chunks = [text("ab"), text(""), text("c")];
      const digest = await objects.createStream("segments/0.zst", records(...chunks));
      expect(digest.sizeBytes).toBe(3);
      expect(Buffer.from(digest.sha256).toString("hex")).toMatch(/^ba7816bf8f01cfea/);
      expect(await objects.createStream("segments/0.zst", records(text("abc")))).toEqual(digest);
      const other = objects.createStream("segments/0.zst", records(text("abd")));
      await expect(other).rejects.toMatchObject({ code: "corrupt_store" });
    });

    it("leaves nothing of a stream that breaks", async () => {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield* records(text("half"));
        throw new Error("the source broke");
      }
      await expect(objects.createStream("s/1", broken())).rejects.toThrow("the source broke");
      expect(await objects.read("s/1")).toBeUndefined();
      expect(await objects.list("")).toEqual([]);
    });

    it("replaces", async () => {
      await objects.replace("trails/a/checkpoint", text("1"));
      await objects.replace("trails/a/checkpoint", text("second"));
      expect(await objects.read("trails/a/checkpoint")).toEqual(text("second"));
    });
  });

  reading(() => objects);
  naming(() => objects);
}

function reading(store: () => ObjectStore): void {
  describe("an object store's readers", () => {
    it("get a range, and are told when the object is too short or missing", async () => {
      await store().create("o", text("0123456789"));
      expect(await store().readRange("o", 3, 4)).toEqual(text("3456"));
      expect(await store().readRange("o", 10, 0)).toEqual(text(""));
      await expect(store().readRange("o", 8, 3)).rejects.toMatchObject({ code: "corrupt_store" });
      await expect(store().readRange("missing", 0, 1)).rejects.toMatchObject({ code: "corrupt_store" });
    });

    it("get size, digest and undefined for what is missing", async () => {
      await store().create("d/o", text("0123456789"));
      const digest = await store().digest("d/o");
      expect(digest?.sizeBytes).toBe(10);
      expect(Buffer.from(digest?.sha256 ?? []).toString("hex")).toMatch(/^84d89877f0d4041e/);
      expect(await store().digest("d/p")).toBeUndefined();
      expect(await store().size("d/o")).toBe(10);
      expect(await store().size("d/p")).toBeUndefined();
      expect(await store().read("d/o/p")).toBeUndefined();
    });

    it("list by prefix, sorted", async () => {
      for (const name of ["t/b/2", "t/a/10", "t/a/1", "t/ab", "u/1"]) await store().create(name, text(name));
      expect(await store().list("t/")).toEqual(["t/a/1", "t/a/10", "t/ab", "t/b/2"]);
      expect(await store().list("t/a/")).toEqual(["t/a/1", "t/a/10"]);
      expect(await store().list("t/a")).toEqual(["t/a/1", "t/a/10", "t/ab"]);
      expect(await store().list("none/")).toEqual([]);
      expect(await store().list("")).toHaveLength(5);
    });
  });
}

function naming(store: () => ObjectStore): void {
  describe("an object store's names", () => {
    it("can be changed, many at once", async () => {
      await store().create("b/1.pending", text("1"));
      await store().create("b/2.pending", text("2"));
      await store().renameMany([
        { from: "b/1.pending", to: "b/1" },
        { from: "b/2.pending", to: "c/2" },
      ]);
      expect(await store().list("")).toEqual(["b/1", "c/2"]);
      await store().renameMany([{ from: "b/1.pending", to: "b/1" }]);
      expect(await store().list("")).toEqual(["b/1", "c/2"]);
      const missing = store().renameMany([{ from: "b/3.pending", to: "b/3" }]);
      await expect(missing).rejects.toMatchObject({ code: "corrupt_store" });
    });

    it("never overwrite other content by renaming", async () => {
      await store().create("x", text("1"));
      await store().create("y", text("2"));
      await expect(store().renameMany([{ from: "x", to: "y" }])).rejects.toMatchObject({ code: "corrupt_store" });
      expect(await store().list("")).toEqual(["x", "y"]);
    });

    it("go away when removed, missing ones being fine, and can be used again", async () => {
      await store().create("t/0/000.p/1", text("1"));
      await store().create("t/0/000.p/2", text("2"));
      await store().remove(["t/0/000.p/1", "t/0/000.p/2", "t/9", "q/9"]);
      expect(await store().list("")).toEqual([]);
      await store().create("t/0/000.p/1", text("3"));
      expect(await store().read("t/0/000.p/1")).toEqual(text("3"));
    });

    it("survive creating and removing in one directory at the same time", async () => {
      for (let i = 0; i < 40; i += 1) {
        await store().create(`d/e/${i}`, text(String(i)));
        await Promise.all([store().remove([`d/e/${i}`]), store().create(`d/e/${i + 1}`, text(String(i + 1)))]);
      }
      expect(await store().list("")).toEqual(["d/e/40"]);
    });

    for (const name of ["", ".", "..", "a/../b", "/etc/passwd", "a//b", "a/", "wal/1", "tmp/1", "lock.sqlite"]) {
      it(`refuse ${JSON.stringify(name)}`, async () => {
        await expect(store().create(name, text("1"))).rejects.toMatchObject({ code: "internal" });
        await expect(store().read(name)).rejects.toMatchObject({ code: "internal" });
      });
    }

    it("refuse control characters, backslashes and endless names", async () => {
      for (const name of ["a\0b", "a\\b", "a\nb", "é", "a".repeat(201), "a/".repeat(300) + "a"]) {
        await expect(store().create(name, text("1"))).rejects.toMatchObject({ code: "internal" });
      }
    });
  });
}
