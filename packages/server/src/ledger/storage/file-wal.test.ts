import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FaultyFileSystem, makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { nodeFileSystem } from "./file-system.ts";
import { openFileStorage } from "./open-file-storage.ts";
import type { Wal } from "./types.ts";
import { makeRecord, records } from "./wal.contract.ts";

const MIB = 1 << 20;

interface Opened {
  readonly wal: Wal;
  readonly disk: FaultyFileSystem;
  readonly directory: string;
  [Symbol.dispose](): void;
}

async function openWal(fileBytes: number): Promise<Opened> {
  const directory = makeTemporaryDirectory("wal");
  const disk = new FaultyFileSystem(nodeFileSystem);
  const storage = openFileStorage(directory.path, disk);
  const { wal } = await storage.openWal(1, records(), { fileBytes });
  return { wal, disk, directory: join(directory.path, "wal"), [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !condition(); i += 1) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(condition()).toBe(true);
}

describe("the log in files", () => {
  it("prepares the next file as a spare of zeros in the background, and drops it when closed", async () => {
    using opened = await openWal(MIB);
    const { wal, directory } = opened;
    await wal.append(makeRecord(1, 300 * 1024));
    await until(() => wal.reservedBytes === MIB);
    expect(readdirSync(directory)).toEqual(["00000001-00000000", "00000001-00000001.spare"]);
    expect(readFileSync(join(directory, "00000001-00000001.spare")).every((byte) => byte === 0)).toBe(true);
    await wal.append(makeRecord(2, 900 * 1024));
    expect(readdirSync(directory).filter((name) => !name.endsWith(".spare"))).toHaveLength(2);
    await wal.close(makeRecord(3, 10));
    expect(readdirSync(directory)).toEqual(["00000001-00000000", "00000001-00000001"]);
  });

  it("removes the spares that a crashed run left, and lists none of them", async () => {
    using directory = makeTemporaryDirectory("wal");
    const storage = openFileStorage(directory.path);
    await storage.openWal(1, records(), { fileBytes: MIB });
    writeFileSync(join(directory.path, "wal", "00000001-00000001.spare"), new Uint8Array(10));
    expect(await storage.walFiles()).toHaveLength(1);
    await storage.openWal(2, records(), { fileBytes: MIB });
    expect(readdirSync(join(directory.path, "wal"))).toEqual(["00000001-00000000", "00000002-00000000"]);
  });

  it("doubles file sizes from small ones up to the configured size", async () => {
    using opened = await openWal(16 * MIB);
    const { wal } = opened;
    const sizes = new Set<number>();
    for (let i = 0; i < 60; i += 1) {
      await wal.reserve(MIB);
      sizes.add(wal.reservedBytes / MIB);
      await wal.append(makeRecord(i, MIB));
    }
    expect(Math.max(...sizes)).toBe(16);
    expect(sizes.has(8)).toBe(true);
    await wal.close(undefined);
  });

  it("writes a record with one write and one fdatasync, over space that is already there", async () => {
    using opened = await openWal(MIB);
    const { wal, disk } = opened;
    const before = { writes: disk.count("pwrite"), syncs: disk.count("fdatasync"), all: disk.count() };
    await wal.append(makeRecord(1, 1_000));
    expect(disk.count("pwrite") - before.writes).toBe(1);
    expect(disk.count("fdatasync") - before.syncs).toBe(1);
    expect(disk.count() - before.all).toBe(2);
    await wal.close(undefined);
  });

  it("starts an epoch wholly or not at all", async () => {
    for (const call of ["create", "pwrite", "fdatasync", "fsync", "rename"] as const) {
      using directory = makeTemporaryDirectory("wal");
      const disk = new FaultyFileSystem(nodeFileSystem);
      const storage = openFileStorage(directory.path, disk);
      disk.fail({ call, nth: 1, how: "lost", error: "ENOSPC" });
      const first = (): AsyncGenerator<Uint8Array> => records(makeRecord(1, 10), makeRecord(2, 10));
      const opening = storage.openWal(1, first(), { fileBytes: MIB });
      await expect(opening).rejects.toMatchObject({ code: "storage_full" });
      expect(await storage.walFiles()).toEqual([]);
      expect(readdirSync(join(directory.path, "tmp"))).toEqual([]);
      const { placed } = await storage.openWal(1, first(), { fileBytes: MIB });
      expect(placed).toHaveLength(2);
    }
  });

  it("refuses an epoch that was started before", async () => {
    using opened = await openWal(MIB);
    const storage = openFileStorage(join(opened.directory, ".."));
    const again = storage.openWal(1, records(), { fileBytes: MIB });
    await expect(again).rejects.toMatchObject({ code: "internal" });
    await opened.wal.append(makeRecord(1, 10));
  });
});

describe("the log on a full disk", () => {
  it("says storage_full from reserve, gives the space back, and goes on when there is room", async () => {
    using opened = await openWal(MIB);
    const { wal, disk, directory } = opened;
    await wal.append(makeRecord(1, 10_000));
    for (const call of ["create", "pwrite", "fdatasync"] as const) {
      disk.fail({ call, nth: 1, how: "applied", error: "ENOSPC", path: /spare$/, times: 1_000 });
      await expect(wal.reserve(2 * MIB)).rejects.toMatchObject({ code: "storage_full" });
      expect(readdirSync(directory)).toEqual(["00000001-00000000"]);
      expect(wal.reservedBytes).toBe(MIB - 10_000);
      disk.heal();
    }
    await wal.reserve(2 * MIB);
    await wal.append(makeRecord(2, 2 * MIB));
    await wal.close(makeRecord(3, 10));
  });

  it("takes just the room that is needed when there is not enough for a whole file", async () => {
    using opened = await openWal(4 * MIB);
    const { wal, disk } = opened;
    await wal.reserve(4 * MIB);
    const filled = wal.append(makeRecord(1, 900 * 1024));
    await filled;
    await until(() => wal.reservedBytes >= 3 * MIB);
    disk.fail({ call: "pwrite", nth: 6, how: "lost", error: "EDQUOT", path: /spare$/ });
    await wal.reserve(4 * MIB + 1);
    expect(wal.reservedBytes).toBeGreaterThan(4 * MIB);
    await wal.close(undefined);
  });

  it("keeps a full disk in the background from being a failure", async () => {
    using opened = await openWal(MIB);
    const { wal, disk } = opened;
    disk.fail({ call: "pwrite", nth: 1, how: "lost", error: "ENOSPC", path: /spare$/ });
    await wal.append(makeRecord(1, 400 * 1024));
    await wal.append(makeRecord(2, 400 * 1024));
    const { file } = await wal.append(makeRecord(3, 400 * 1024));
    expect(file).toBe("00000001-00000001");
    await wal.close(undefined);
  });
});

describe("the log on a failing disk", () => {
  for (const call of ["pwrite", "fdatasync"] as const) {
    for (const how of ["lost", "applied"] as const) {
      it(`is finished after an error of ${call}, ${how}: nothing is tried again`, async () => {
        using opened = await openWal(MIB);
        const { wal, disk, directory } = opened;
        await wal.append(makeRecord(1, 10));
        disk.fail({ call, nth: 1, how, error: call === "pwrite" ? "ENOSPC" : "EIO" });
        await expect(wal.append(makeRecord(2, 10))).rejects.toMatchObject({ code: "storage_failed" });
        const calls = disk.count();
        await expect(wal.append(makeRecord(3, 10))).rejects.toMatchObject({ code: "storage_failed" });
        await expect(wal.reserve(1)).rejects.toMatchObject({ code: "storage_failed" });
        await expect(wal.remove(["00000001-00000000"])).rejects.toMatchObject({ code: "storage_failed" });
        await expect(wal.close(makeRecord(4, 10))).rejects.toMatchObject({ code: "storage_failed" });
        expect(wal.reservedBytes).toBe(0);
        expect(disk.count()).toBe(calls);
        expect(readFileSync(join(directory, "00000001-00000000")).subarray(0, 10)).toEqual(
          Buffer.from(makeRecord(1, 10)),
        );
      });
    }
  }

  for (const call of ["truncate", "fsync", "rename", "syncDirectory"] as const) {
    it(`is finished after an error of ${call} while rotating`, async () => {
      using opened = await openWal(MIB);
      const { wal, disk } = opened;
      await wal.append(makeRecord(1, 10));
      await wal.reserve(2 * MIB);
      disk.fail({ call, nth: 1, how: "lost" });
      await expect(wal.append(makeRecord(2, 2 * MIB))).rejects.toMatchObject({ code: "storage_failed" });
      await expect(wal.append(makeRecord(3, 10))).rejects.toMatchObject({ code: "storage_failed" });
    });
  }

  it("is finished when the next file cannot be prepared", async () => {
    using opened = await openWal(MIB);
    const { wal, disk } = opened;
    disk.fail({ call: "fdatasync", nth: 1, how: "lost", path: /spare$/ });
    await wal.append(makeRecord(1, 500 * 1024));
    await until(() => wal.reservedBytes === 0);
    await expect(wal.append(makeRecord(2, 10))).rejects.toMatchObject({ code: "storage_failed" });
  });
});
