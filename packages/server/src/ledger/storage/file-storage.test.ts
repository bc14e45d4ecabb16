import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { FaultyFileSystem, makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { nodeFileSystem } from "./file-system.ts";
import { objectStoreContract } from "./object-store.contract.ts";
import { openFileStorage } from "./open-file-storage.ts";
import { records, type StoragePlace, walContract } from "./wal.contract.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function makePlace(): StoragePlace {
  const directory = makeTemporaryDirectory("storage");
  return {
    open: () => openFileStorage(join(directory.path, "data")),
    dispose: () => directory[Symbol.dispose](),
  };
}

describe("file log", () => {
  walContract(makePlace);
});

describe("file objects", () => {
  objectStoreContract(makePlace);
});

describe("file objects on disk", () => {
  it("are read-only once created, private while replaced, in private directories", async () => {
    using directory = makeTemporaryDirectory("objects");
    const data = join(directory.path, "deep", "data");
    const { objects } = openFileStorage(data);
    await objects.create("trails/a/segments/0", text("1"));
    await objects.replace("trails/a/checkpoint", text("1"));
    const mode = (path: string): number => statSync(join(data, path)).mode & 0o777;
    expect(mode("trails/a/segments/0")).toBe(0o444);
    expect(mode("trails/a/checkpoint")).toBe(0o600);
    expect(mode("trails/a/segments")).toBe(0o700);
    expect(mode(".")).toBe(0o700);
  });

  it("leave no empty directory behind when removed", async () => {
    using directory = makeTemporaryDirectory("objects");
    const { objects } = openFileStorage(directory.path);
    await objects.create("trails/a/tile/0/000.p/7", text("1"));
    await objects.create("trails/a/tile/0/000", text("1"));
    await objects.remove(["trails/a/tile/0/000.p/7"]);
    expect(readdirSync(join(directory.path, "trails/a/tile/0"))).toEqual(["000"]);
    await objects.remove(["trails/a/tile/0/000"]);
    expect(readdirSync(directory.path)).toEqual(["tmp"]);
  });

  it("are swept of unfinished files when the lock is taken", async () => {
    using directory = makeTemporaryDirectory("objects");
    const disk = new FaultyFileSystem(nodeFileSystem);
    disk.fail({ call: "rename", nth: 1, how: "crash_before" });
    void openFileStorage(directory.path, disk).objects.create("a", text("1"));
    await disk.crashed;
    expect(readdirSync(join(directory.path, "tmp"))).toHaveLength(1);
    const storage = openFileStorage(directory.path);
    (await storage.lock()).release();
    expect(readdirSync(join(directory.path, "tmp"))).toEqual([]);
    expect(await storage.objects.read("a")).toBeUndefined();
  });

  for (const call of ["create", "pwrite", "fsync", "rename", "mkdir"] as const) {
    for (const how of ["lost", "applied"] as const) {
      it(`can be created again after a full disk at ${call}, ${how}`, async () => {
        using directory = makeTemporaryDirectory("objects");
        const disk = new FaultyFileSystem(nodeFileSystem);
        const { objects } = openFileStorage(directory.path, disk);
        disk.fail({ call, nth: 1, how, error: "ENOSPC" });
        await expect(objects.create("a/b", text("1"))).rejects.toMatchObject({ code: "storage_full" });
        await objects.create("a/b", text("1"));
        expect(await objects.read("a/b")).toEqual(text("1"));
        expect(readdirSync(join(directory.path, "tmp"))).toEqual([]);
      });
    }
  }

  it("are given up when their names could not be synced, on a full disk too: what is durable is unknown then", async () => {
    using directory = makeTemporaryDirectory("objects");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const { objects } = openFileStorage(directory.path, disk);
    await objects.create("a/b", text("1"));
    disk.fail({ call: "syncDirectory", nth: 1, how: "lost", error: "ENOSPC", times: 3 });
    await expect(objects.create("a/c", text("1"))).rejects.toMatchObject({ code: "storage_failed" });
    await expect(objects.replace("a/d", text("1"))).rejects.toMatchObject({ code: "storage_failed" });
    await expect(objects.remove(["a/b"])).rejects.toMatchObject({ code: "storage_failed" });
  });

  it("are synced again when a removal is repeated, although nothing is left to remove", async () => {
    using directory = makeTemporaryDirectory("objects");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const { objects } = openFileStorage(directory.path, disk);
    await objects.create("a/b", text("1"));
    await objects.create("a/c", text("1"));
    disk.fail({ call: "unlink", nth: 1, how: "applied", error: "ENOSPC" });
    await expect(objects.remove(["a/b"])).rejects.toMatchObject({ code: "storage_full" });
    const before = disk.count("syncDirectory");
    await objects.remove(["a/b"]);
    expect(disk.count("syncDirectory")).toBe(before + 1);
  });

  it("say storage_failed for every other error, and keep the old object when a replacement fails", async () => {
    using directory = makeTemporaryDirectory("objects");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const { objects } = openFileStorage(directory.path, disk);
    await objects.replace("checkpoint", text("old"));
    for (const call of ["pwrite", "fsync", "rename"] as const) {
      disk.fail({ call, nth: 1, how: "lost", error: "EIO" });
      await expect(objects.replace("checkpoint", text("new"))).rejects.toMatchObject({ code: "storage_failed" });
      expect(await objects.read("checkpoint")).toEqual(text("old"));
    }
  });

  it("pass a failure of the stream's source unchanged", async () => {
    using directory = makeTemporaryDirectory("objects");
    const { objects } = openFileStorage(directory.path);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* records(text("1"));
      throw new TypeError("mine");
    }
    await expect(objects.createStream("a", broken())).rejects.toBeInstanceOf(TypeError);
  });
});
